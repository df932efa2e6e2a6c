"""Record ids: ``us_rc_``, the routing tag, six digits of the sheet's number, six of the record's.

An id is computed, not stored: a row keeps the two numbers.
"""

from __future__ import annotations

import re

from sheetport.kernel.ids import ALPHABET, TAG_LENGTH, base62

_NUMBER_LENGTH = 6
_LIMIT = 62**_NUMBER_LENGTH
_DIGITS = {digit: value for value, digit in enumerate(ALPHABET)}
#: Every pair of digits: three look-ups write a number, six divisions would take five times as long.
_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
_RECORD_ID = re.compile(
    rf"us_rc_([0-9A-Za-z]{{{TAG_LENGTH}}})([0-9A-Za-z]{{{_NUMBER_LENGTH}}})([0-9A-Za-z]{{{_NUMBER_LENGTH}}})"
)


class RecordIds:
    """The ids of one sheet's records: sheet ``sheet_no`` (0 to 62**6 - 1) under the routing ``tag``.

    Raises ValueError for a number that six digits cannot hold.
    """

    def __init__(self, tag: str, sheet_no: int) -> None:
        if not 0 <= sheet_no < _LIMIT:
            raise ValueError(f"record numbers go from 0 to {_LIMIT - 1}, and so do those of sheets: {sheet_no}")
        self._tag, self._sheet_no = tag, sheet_no
        self._head = f"us_rc_{tag}{base62(sheet_no, _NUMBER_LENGTH)}"

    def of(self, seq: int) -> str:
        """The id of record ``seq`` (0 to 62**6 - 1)."""
        if not 0 <= seq < _LIMIT:
            raise ValueError(f"record numbers go from 0 to {_LIMIT - 1}: {seq}")
        rest, low = divmod(seq, 3844)
        high, middle = divmod(rest, 3844)
        return f"{self._head}{_PAIRS[high]}{_PAIRS[middle]}{_PAIRS[low]}"

    def seq(self, text: str) -> int | None:
        """The number of the record with this id; None for any text that is no id of this sheet."""
        found = parse_record_id(text)
        return found[2] if found and found[:2] == (self._tag, self._sheet_no) else None


def record_id(tag: str, sheet_no: int, seq: int) -> str:
    """The id of one record. Raises ValueError as :class:`RecordIds` does."""
    return RecordIds(tag, sheet_no).of(seq)


def parse_record_id(text: str) -> tuple[str, int, int] | None:
    """(tag, sheet_no, seq) of a record id, None for any other text."""
    found = _RECORD_ID.fullmatch(text)
    return (found[1], _number(found[2]), _number(found[3])) if found else None


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 62 + _DIGITS[digit]
    return number
