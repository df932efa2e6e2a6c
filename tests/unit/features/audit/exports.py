"""Exports made by the pure functions alone, for tests that spoil them."""

from __future__ import annotations

import hashlib
from typing import Any

from sheetport.features.audit.codec.chain import checkpoint_text, digest_of, export_text, link, start_of
from sheetport.features.audit.codec.lines import Signed, checkpoint_line, export_line, record_line
from sheetport.features.audit.codec.ocsf import FORMAT, sealed_text
from sheetport.features.audit.model import Head
from sheetport.features.audit.service.personal import opened, protect
from sheetport.kernel.crypto import KeyRing

ACCOUNT, ENVIRONMENT = "us_acc_0123456789abcdef", "us_env_0123456789abcdef"
AT = 1_800_000_000_000
SUBJECT_KEY = bytes(range(32))


def row(number: int, action: str = "secret:read", **changes: Any) -> dict[str, Any]:
    """A record's row as the database has it."""
    made: dict[str, Any] = {
        "environment_id": ENVIRONMENT,
        "id": f"us_aud_{number:016}",
        "account_id": ACCOUNT,
        "actor_kind": "secret_key",
        "actor_id": "us_key_1",
        "token_id": "us_key_1",
        "action": action,
        "target": "us_sec_1",
        "detail": '{"secrets":[{"id":"us_sec_1","name":"DB \\"x\\" é"}],"count":3}',
        "created_at": AT + number,
        "format": FORMAT,
        "request_id": "req_1",
        "agent": "python",
        "subject": "us_key_1",
        "commitments": None,
        "personal": None,
    }
    return made | changes


def export_of(keys: KeyRing, chains: dict[str, int], *, key: bytes | None = SUBJECT_KEY) -> list[bytes]:
    """The lines of an export with so many records in each chain; with a key each record has an address."""
    lines, heads, number = [], [], 0
    public = keys.audit_public_key
    for chain, count in sorted(chains.items()):
        stands = start_of(chain)
        for _ in range(count):
            number += 1
            one = row(number)
            protect(one, key, {"src_endpoint.ip": "203.0.113.7"})
            text = sealed_text(one)
            head = Head(chain, stands.position + 1, link(stands.hash, digest_of(text)))
            lines.append(record_line(text, head, stands.hash, opened(one, key)))
            stands = head
        lines.append(checkpoint_line(stands, Signed(AT, keys.sign_audit(checkpoint_text(stands, AT)), public)))
        heads.append(stands)
    digest = hashlib.sha256(b"".join(lines)).digest()
    signature = keys.sign_audit(export_text(digest, len(lines), AT, heads))
    return [*lines, export_line(digest, len(lines), heads, Signed(AT, signature, public))]
