"""Tokens are found wherever and however they are written, and nothing else is."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from io import BytesIO

import pytest

from scan_world import PLAIN, WRAPPINGS, filler, lookalikes, planted
from sheetport.kernel import token_scan
from sheetport.kernel.crypto import KeyRing, mint_token
from sheetport.kernel.token_scan import find_live_tokens, find_tokens, scan
from sheetport.kernel.tokens import STORED, with_checksum

TOKEN = mint_token("sk_prod")
SPACE_TOKEN = with_checksum("spt_us_sp_4x7QAbCdEfGhIjKl.1800000000000.3.AbC_efGhijKlmnOp-rstuv")
SUBSCRIPTION = with_checksum("sst_us_lst_1~us_env_2~us_sp_3~us_acc_4~us_key_5~1800000000000~AbC_efGhijKlmnOp-rstuv")


def found(data: bytes) -> list[str]:
    return [each.token for each in find_tokens(data)]


#: Names that every process gives alike, as the tokens are not.
KINDS = [*STORED, "space", "subscription"]


@pytest.mark.parametrize("token", [*map(mint_token, STORED), SPACE_TOKEN, SUBSCRIPTION], ids=KINDS)
@pytest.mark.parametrize("name", WRAPPINGS)
def test_every_kind_is_found_in_every_wrapping(name: str, token: str) -> None:
    assert found(WRAPPINGS[name](token)) == [token]


def test_a_find_says_kind_place_and_mask_and_its_repr_no_token() -> None:
    text = f"# settings\nURL=https://x\n  KEY='{TOKEN}'\n".encode()
    (one,) = find_tokens(text)
    assert (one.kind, one.line, one.offset) == ("secret key (production)", 3, text.index(b"sk_prod_"))
    assert one.masked == f"sk_prod_…{TOKEN[-4:]}"
    assert TOKEN not in repr(one)
    assert TOKEN[8:20] not in repr(one)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_line_is_right_in_every_encoding(encoding: str) -> None:
    text = f"上海\nĊ ਊ\r\nkey = {TOKEN}"  # letters whose bytes hold a line break
    assert [each.line for each in find_tokens(text.encode(encoding))] == [3]


def test_several_in_one_place_come_in_order() -> None:
    tokens = [mint_token("pat") for _ in range(3)]
    assert found(" ".join(tokens).encode()) == tokens
    assert found("".join(tokens).encode()) == tokens
    assert found(base64.b64encode("\n".join(tokens).encode())) == tokens


def test_a_token_is_told_once_however_it_is_reached() -> None:
    assert found((TOKEN + "\n").encode() * 2) == [TOKEN, TOKEN]
    assert [each.line for each in find_tokens((TOKEN + "\n").encode() * 2)] == [1, 2]


def test_pat_is_no_at() -> None:
    token = mint_token("pat")
    assert [each.kind for each in find_tokens(token.encode())] == ["personal access token"]
    assert found(f"wh{mint_token('at')}".encode()) != []


def test_a_wrong_checksum_is_no_find() -> None:
    rest = TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b")
    for data in (rest, TOKEN[:-1], TOKEN[1:], TOKEN.replace("sk_prod", "sk_test"), SPACE_TOKEN[:-1] + "!"):
        assert found(data.encode()) == []
        assert found(base64.b64encode(data.encode())) == []


def test_lookalikes_are_no_finds_and_the_planted_are_all_found() -> None:
    """The short form of ``benchmarks/soak/scan.py``."""
    chance = random.Random(13)
    assert found("\n".join(lookalikes(chance, 20_000)).encode()) == []
    text, tokens = planted(chance, 300)
    assert sorted(found(text)) == sorted(tokens)


def test_a_key_file_is_found_in_clear_and_wrapped() -> None:
    text = f"# secret\n{KeyRing.generate().to_text()}".encode()
    (one,) = find_tokens(text)
    assert (one.kind, one.line, one.token) == ("key file", 3, "")
    assert [each.kind for each in find_tokens(base64.b64encode(text))] == ["key file"]
    assert find_tokens(b'{"format": "sheetport-key-1", "pepper": "left out"}') == []


def test_a_long_file_is_read_in_pieces_without_losing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_scan, "PIECE", 10_000)
    monkeypatch.setattr(token_scan, "OVERLAP", 1_000)
    chance = random.Random(5)
    lines = [mint_token("at") if number % 7 == 0 else filler(chance) for number in range(2_000)]
    tokens = [(number + 1, line) for number, line in enumerate(lines) if number % 7 == 0]
    assert [(each.line, each.token) for each in scan(BytesIO("\n".join(lines).encode()))] == tokens
    wrapped = base64.encodebytes("\n".join(lines).encode())
    assert [each.token for each in scan(BytesIO(wrapped))] == [token for _, token in tokens]


@pytest.mark.parametrize("size", [0, 1, 39, 40, 41, 55, 56, 57, 4_096])
@pytest.mark.parametrize("digit", [b"a", b"_", b"\0", b"a\0", b"A\n", b"=", b".", b"\\n"])
def test_monotonous_bytes_are_harmless(digit: bytes, size: int) -> None:
    assert find_tokens(digit * size) == []


def test_a_deploy_hears_of_live_tokens_only() -> None:
    public, text = mint_token("pk_dev"), f"const a = 1\nconst key = '{TOKEN}'\nconst space = '{SPACE_TOKEN}'\n"
    kinds = [(2, "secret key (production)"), (3, "space token")]
    assert [(line, kind) for line, kind, _ in find_live_tokens(text + public)] == kinds
    assert [(line, kind) for line, kind, _ in find_live_tokens(text, now=1_800_000_000_000)] == kinds[:1]
    assert TOKEN not in repr(find_live_tokens(text))
    assert find_live_tokens("\ud800 nothing here") == []


@pytest.mark.parametrize("wrap", [json.dumps, PLAIN], ids=["json", "plain"])
def test_base64_of_many_lines_is_found(wrap: Callable[[str], str | bytes]) -> None:
    text = base64.encodebytes(b"x" * 1_001 + TOKEN.encode() + b"y" * 1_000).decode()
    wrapped = wrap(text)
    assert found(wrapped if isinstance(wrapped, bytes) else wrapped.encode()) == [TOKEN]


@pytest.mark.parametrize(
    ("body", "kind", "end"),
    [
        ("gst_us_g_4x7Q..1700000000000.1800000000000.0.AbC_efGhijKlmnOp-rstuv", "guest token", 1_800_000_000_000),
        (
            "gst_us_g_4x7Q.us_sp_1.1700000000000.1800000000000.0.AbC_efGhijKlmnOp-rstuv",
            "guest token",
            1_800_000_000_000,
        ),
        ("gel_us_g_4x7Q.us_sp_1.1700000000000.2.AbC_efGhijKlmnOp-rstuv", "guest entry link", None),
    ],
)
def test_what_guests_come_with_is_found(body: str, kind: str, end: int | None) -> None:
    token = with_checksum(body)
    (found,) = find_tokens(f"see https://imports.example/space/x?token={token}&y".encode())
    assert (found.kind, found.token, found.expires_at) == (kind, token, end)
