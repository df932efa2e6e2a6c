"""What users does, by file: ``users`` (who they are), ``inviting`` (new ones), ``holding`` (their roles)."""

from sheetport.features.users.service.holding import assign_user_role, list_user_roles, remove_user_role
from sheetport.features.users.service.inviting import invite_user, resend_invitation
from sheetport.features.users.service.users import (
    accept_invitation_of,
    create_user,
    delete_user,
    disable_user,
    enable_user,
    find_user,
    find_user_by_email,
    get_first_user,
    get_user,
    is_invited_elsewhere,
    list_users,
    note_seen,
    set_password,
    update_user,
)

__all__ = [
    "accept_invitation_of",
    "assign_user_role",
    "create_user",
    "delete_user",
    "disable_user",
    "enable_user",
    "find_user",
    "find_user_by_email",
    "get_first_user",
    "get_user",
    "invite_user",
    "is_invited_elsewhere",
    "list_user_roles",
    "list_users",
    "note_seen",
    "remove_user_role",
    "resend_invitation",
    "set_password",
    "update_user",
]
