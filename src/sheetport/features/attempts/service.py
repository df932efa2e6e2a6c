"""Counts failures and refuses what has failed too often, whether or not the account exists.

An account's counters are held by its address, hashed, so that one that exists looks like one that does not. A device
that has signed in before has a counter of its own instead: whoever keeps failing from elsewhere locks nobody out who
comes from a known device, by a passkey or by a reset link.
"""

from __future__ import annotations

import ipaddress

from sheetport.features.attempts import store
from sheetport.features.attempts.model import (
    FROM_ANYWHERE,
    FROM_NETWORK,
    OF_CODE,
    OF_DEVICE,
    OF_NETWORK,
    OF_RESETS,
    OF_USER_CODE,
    Subject,
)
from sheetport.kernel.clock import DAY, SECOND
from sheetport.kernel.errors import TooMany
from sheetport.storage.unit_of_work import UnitOfWork


def of_sign_in(uow: UnitOfWork, email: str, address: str | None, device: str | None) -> list[Subject]:
    """What a sign-in for ``email`` counts for; ``device`` is the name of a known device of that account."""
    account, network = _hashed(uow, "account", email), network_of(address)
    if device is not None:
        return [Subject(_hashed(uow, "device", device), OF_DEVICE)]
    return [
        Subject(_hashed(uow, account, network), FROM_NETWORK),
        Subject(account, FROM_ANYWHERE),
        Subject(_hashed(uow, "network", network), OF_NETWORK),
    ]


def of_code(uow: UnitOfWork, user_id: str, device: str | None) -> list[Subject]:
    """What a second step counts for."""
    return [Subject(_hashed(uow, "code", user_id, device or ""), OF_CODE)]


def of_user_code(uow: UnitOfWork, user_id: str) -> list[Subject]:
    """What the code of a device login counts for, by who enters it."""
    return [Subject(_hashed(uow, "user code", user_id), OF_USER_CODE)]


def of_reset(uow: UnitOfWork, email: str, address: str | None) -> list[Subject]:
    """What a wish for a reset link counts for."""
    named = (("reset", email), ("resets", network_of(address)))
    return [Subject(_hashed(uow, kind, name), OF_RESETS) for kind, name in named]


async def require_bearable(
    uow: UnitOfWork, subjects: list[Subject], otherwise: str = "or ask for a reset link"
) -> None:
    """Raise TooMany if one of them has failed too often; ``otherwise`` is what to do instead of waiting."""
    counts = await store.list_counts(uow, [subject.name for subject in subjects])
    ends = [
        since + subject.bound.window
        for subject in subjects
        for failures, since in [counts.get(subject.name, (0, 0))]
        if failures >= subject.bound.failures and since + subject.bound.window > uow.now
    ]
    if ends:
        seconds = -(-(max(ends) - uow.now) // SECOND)
        message = f"Too many attempts failed; try again in {-(-seconds // 60)} minutes, {otherwise}."
        raise TooMany(message, "auth", seconds)


async def count(uow: UnitOfWork, subjects: list[Subject]) -> None:
    """Count one failure for each."""
    for subject in sorted(subjects, key=lambda each: each.name):  # in one order: two processes wait, and go on
        await store.count(uow, subject.name, subject.bound.window)


async def forget(uow: UnitOfWork, subjects: list[Subject]) -> None:
    """Begin anew after a success. What is counted for a whole network stays."""
    for subject in subjects:
        if subject.bound != OF_NETWORK:
            await store.forget(uow, subject.name)


async def sweep(uow: UnitOfWork) -> int:
    """Delete counters whose window is long over; how many."""
    return await store.sweep(uow, uow.now - DAY)


def network_of(address: str | None) -> str:
    """The network that one customer of a provider has: an IPv4 address itself, the first half of an IPv6 one."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or known
    return str(known if known.version == 4 else ipaddress.ip_network((known, 64), strict=False).network_address)


def _hashed(uow: UnitOfWork, *parts: str) -> str:
    return uow.keys.sign("attempts", *parts)
