"""Record ids: ``us_rc_``, the routing tag, six digits of the sheet's number, six of the record's.

An id is computed, not stored: a row keeps the two numbers.
"""

from __future__ import annotations

import re

from sheetport.kernel.ids import ALPHABET, TAG_LENGTH, base62

_NUMBER_LENGTH = 6
_LIMIT = 62**_NUMBER_LENGTH
_DIGITS = {digit: value for value, digit in enumerate(ALPHABET)}
_RECORD_ID = re.compile(
    rf"us_rc_([0-9A-Za-z]{{{TAG_LENGTH}}})([0-9A-Za-z]{{{_NUMBER_LENGTH}}})([0-9A-Za-z]{{{_NUMBER_LENGTH}}})"
)


def record_id(tag: str, sheet_no: int, seq: int) -> str:
    """The id of record ``seq`` of sheet ``sheet_no`` (each 0 to 62**6 - 1) under the routing ``tag``.

    Raises ValueError for a number that six digits cannot hold.
    """
    if not (0 <= sheet_no < _LIMIT and 0 <= seq < _LIMIT):
        raise ValueError(f"record numbers go from 0 to {_LIMIT - 1}: {sheet_no}, {seq}")
    return f"us_rc_{tag}{base62(sheet_no, _NUMBER_LENGTH)}{base62(seq, _NUMBER_LENGTH)}"


def parse_record_id(text: str) -> tuple[str, int, int] | None:
    """(tag, sheet_no, seq) of a record id, None for any other text."""
    found = _RECORD_ID.fullmatch(text)
    return (found[1], _number(found[2]), _number(found[3])) if found else None


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 62 + _DIGITS[digit]
    return number
