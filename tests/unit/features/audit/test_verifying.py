"""An export says of itself whether it is what was exported: nothing else is needed, and any change shows."""

from __future__ import annotations

import itertools
import random

import pytest

from sheetport.features.audit.codec.verifying import BrokenError, verify
from sheetport.kernel.crypto import KeyRing, key_fingerprint
from unit.features.audit.exports import ENVIRONMENT, export_of

KEYS = KeyRing.generate()
LINES = export_of(KEYS, {ENVIRONMENT: 12, "us_acc_0123456789abcdef": 4, "server": 1})
FLIPS, CUTS = 400, 60


def test_an_export_as_it_was_made_holds() -> None:
    verified = verify(LINES, key_fingerprint(KEYS.audit_public_key))
    assert (verified.records, verified.chains) == (17, 3)
    assert verified.fingerprint == key_fingerprint(KEYS.audit_public_key)
    assert len(verify(LINES).fingerprint) == len("SHA256:") + 43


def test_it_holds_without_what_was_erased() -> None:
    assert verify(export_of(KEYS, {"server": 3}, key=None)).records == 3


def test_another_key_is_told() -> None:
    other = key_fingerprint(KeyRing.generate().audit_public_key)
    with pytest.raises(BrokenError, match=r"is signed by the key SHA256:.*, not by"):
        verify(LINES, other)


def test_every_flipped_bit_is_found() -> None:
    whole, random_ = b"".join(LINES), random.Random(4)
    for _ in range(FLIPS):
        place, bit = random_.randrange(len(whole)), random_.randrange(8)
        spoiled = whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
        with pytest.raises(BrokenError):
            verify(spoiled.splitlines(keepends=True))


def test_every_pair_of_lines_that_changed_places_is_found() -> None:
    for one, other in itertools.combinations(range(len(LINES)), 2):
        spoiled = list(LINES)
        spoiled[one], spoiled[other] = spoiled[other], spoiled[one]
        with pytest.raises(BrokenError):
            verify(spoiled)


def test_every_line_that_is_missing_or_there_twice_is_found() -> None:
    for number in range(len(LINES)):
        for spoiled in (LINES[:number] + LINES[number + 1 :], [*LINES[: number + 1], *LINES[number:]]):
            with pytest.raises(BrokenError):
                verify(spoiled)


def test_every_cut_is_found() -> None:
    whole, random_ = b"".join(LINES), random.Random(5)
    for end in [0, len(whole) - 1, *(random_.randrange(len(whole)) for _ in range(CUTS))]:
        with pytest.raises(BrokenError):
            verify(whole[:end].splitlines(keepends=True))


def test_the_first_broken_link_is_named() -> None:
    place = 7  # behind the chains of the server and of the account
    spoiled = [*LINES[: place + 1], LINES[place + 1].replace(b"us_key_1", b"us_key_2", 1), *LINES[place + 2 :]]
    with pytest.raises(BrokenError, match=r"Line 9: record 2 of chain us_env_\w+ \(us_aud_\d+7\) is not what was"):
        verify(spoiled)
    with pytest.raises(BrokenError, match=r"goes on with record \d+ where record \d+ has to be"):
        verify([*LINES[:place], *LINES[place + 1 :]])
    with pytest.raises(BrokenError, match=r"src_endpoint\.ip of us_aud_"):
        verify([LINES[0].replace(b'"203.0.113.7"', b'"203.0.113.8"'), *LINES[1:]])
    with pytest.raises(BrokenError, match="cut off"):
        verify(LINES[:-1])


def test_leaving_out_a_datum_without_an_erasure_is_found() -> None:
    cut = LINES[0].rfind(b',{"name":"src_endpoint.ip"')
    assert cut > 0
    with pytest.raises(BrokenError, match="are not those"):
        verify([LINES[0][:cut] + b"]}\n", *LINES[1:]])


@pytest.mark.parametrize(
    "junk",
    [b"", b"\n", b"{}\n", b"[]\n", b'{"a":1,"enrichments":[]}\n', b'{"enrichments":[{"name":1}]}\n', b"\xff\xfe\n"],
    ids=range(7),
)
def test_junk_is_refused_in_words(junk: bytes) -> None:
    with pytest.raises(BrokenError, match=r"Line 1|after line 0"):
        verify([junk] if junk else [])
