"""Requests that are wrong as HTTP, as text or as JSON, and right ones that only look wrong."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from faults.wire import Step, request

TYPE = "Content-Type: application/json"
CHUNKED = (TYPE, "Transfer-Encoding: chunked")
GZIP = (TYPE, "Content-Encoding: gzip")
#: A space that can be made. Twelve bytes.
GOOD = b'{"name":"x"}'
LIST, MAKE = "/v1/environments", "/v1/spaces"


@dataclass(frozen=True)
class Case:
    """``answers`` are the statuses that come back, in order; without any the connection is closed unanswered.

    ``by_parser`` refusals come from the HTTP server before there is a request: without a body, and closing.
    ``or_none``: the connection may also be closed unanswered, as the server may see the end of it first.
    """

    name: str
    steps: tuple[Step, ...]
    answers: tuple[int, ...]
    by_parser: bool = False
    or_none: bool = False


def get(target: str, *headers: str, token: str = "") -> bytes:
    return request("GET", target, token=token, headers=headers)


def cases(token: str) -> list[Case]:
    """All of them, for a server that knows the token."""
    return [*framing(token), *heads(token), *addresses(token), *methods(token), *bodies(token), *encodings(token)]


def _post(token: str, body: bytes = b"", headers: Sequence[str] = (), *, length: bool = True) -> bytes:
    return request("POST", MAKE, body, token, headers, length)


def framing(token: str) -> list[Case]:
    """Where a body ends."""

    def chunked(name: str, *raw: bytes, answer: int = 400) -> Case:
        return Case(f"chunked: {name}", (_post(token, headers=CHUNKED), b"".join(raw)), (answer,))

    def measured(name: str, *headers: str, body: bytes = GOOD, answer: int = 400, by_parser: bool = True) -> Case:
        sent = _post(token, headers=(TYPE, *headers)) + body
        return Case(f"length: {name}", (sent,), (answer,), by_parser)

    plain, patient = get(LIST, token=token), (TYPE, "Content-Length: 12", "Expect: 100-continue")
    end = b"\r\n0\r\n\r\n"
    many = b"1;" + b"e" * 2_000 + b"\r\n \r\n"
    smuggled = b"0\r\n\r\nGET /v1/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    return [
        chunked("well-formed", b"c\r\n", GOOD, end, answer=200),
        chunked("no hexadecimal", b"zz\r\n", GOOD, end),
        chunked("no line end after a chunk", b"c\r\n", GOOD, b"0\r\n\r\n"),
        chunked("longer than its size", b"5\r\n", GOOD, end),
        chunked("a size over 64 bits", b"fffffffffffffffff1\r\n", GOOD),
        chunked("a negative size", b"-1\r\n", GOOD),
        chunked("a megabyte of extension", b"c;a=", b"x" * 1_000_000, b"\r\n", GOOD, end),
        chunked("thousands of extensions", many * 2_000, b"0\r\n\r\n"),
        chunked("bare line feeds", b"c\n", GOOD, b"\n0\n\n"),
        chunked("megabytes of trailers", b"c\r\n", GOOD, b"\r\n0\r\n", b"t: x\r\n" * 200_000, b"\r\n"),
        Case("chunked: ended early", (_post(token, headers=CHUNKED), b"c\r\n" + GOOD[:5], None), (400,)),
        Case("length: ended early", (_post(token, headers=(TYPE, "Content-Length: 99")), GOOD, None), (400,)),
        measured("with chunks too", "Transfer-Encoding: chunked", "Content-Length: 5", body=smuggled, by_parser=False),
        measured("coded twice", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        measured("an unknown coding", "Transfer-Encoding: xchunked"),
        measured("gzip and chunks", "Transfer-Encoding: gzip, chunked", body=b"c\r\n" + GOOD + end, by_parser=False),
        measured("a space before the colon", "Transfer-Encoding : chunked"),
        measured("two that differ", "Content-Length: 12", "Content-Length: 5"),
        measured("two alike", "Content-Length: 12", "Content-Length: 12", answer=200, by_parser=False),
        measured("a list", "Content-Length: 12, 12"),
        measured("negative", "Content-Length: -1"),
        measured("signed", "Content-Length: +12"),
        measured("a word", "Content-Length: twelve"),
        measured("over 64 bits", "Content-Length: 99999999999999999999999"),
        measured("eight exabytes", "Content-Length: 9223372036854775807", answer=413, by_parser=False),
        Case("length: 33 MiB", (_post(token, b" " * (33 << 20)),), (413,)),
        Case("length: 70 MiB", (_post(token, b" " * (70 << 20)),), (413,)),
        Case("chunks in HTTP/1.0", (b"POST /v1/spaces HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",), (400,), True),
        Case("waits to be asked", (_post(token, headers=patient), 0.05, GOOD), (200,)),
        Case("waits and leaves", (_post(token, headers=patient), None), (400,)),
        Case("three in one packet", (plain + _post(token, GOOD) + get("/v1/nothing", token=token),), (200, 200, 404)),
    ]


def heads(token: str) -> list[Case]:
    """Header lines."""

    def refused(name: str, *headers: str, answer: int = 400) -> Case:
        return Case(f"header: {name}", (get(LIST, *headers, token=token),), (answer,), by_parser=True)

    def taken(name: str, *headers: str, answer: int = 200, token: str = token) -> Case:
        return Case(f"header: {name}", (get(LIST, *headers, token=token),), (answer,))

    return [
        refused("a megabyte", "X-Big: " + "x" * 1_000_000, answer=431),
        refused("ten thousand", *(f"X-{number}: y" for number in range(10_000)), answer=431),
        taken("ninety", *(f"X-{number}: y" for number in range(90))),
        refused("NUL", "X-A: a\0b"),
        refused("a carriage return", "X-A: a\rb"),
        refused("a line feed", "X-A: a\nb"),
        refused("folded", "X-A: a\r\n  b"),
        refused("without a name", ": a"),
        refused("without a colon", "garbage"),
        taken("no UTF-8", "X-A: \udcff\udcfe"),
        taken("a token that is no text", "Authorization: Bearer \udcff\udcfe", token="", answer=401),
        taken("another token first", "Authorization: Bearer x", answer=401),
        taken("an odd Accept", "Accept: ///;q=x,,"),
        taken("odd cookies", "Cookie: =;;a;\udcff=\udcfe"),
        taken("an odd Origin", "Origin: \udcff"),
        taken("a range beyond the end", "Range: bytes=99999-"),
        taken("an upgrade to WebSocket", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        taken("an upgrade to HTTP/2", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"),
    ]


def addresses(token: str) -> list[Case]:
    """Paths and queries."""

    def at(target: str, answer: int, name: str = "", *, by_parser: bool = False) -> Case:
        return Case(f"address: {name or target}", (get(target, token=token),), (answer,), by_parser)

    return [
        at("/v1/spaces/%ff%fe", 404),
        at("/v1/spaces/%ed%a0%80", 404),
        at("/v1/spaces/\udcff\udcfe", 400, "raw bytes", by_parser=True),
        at("/v1/spaces/é", 404, "raw UTF-8"),
        at("/v1/spaces/%", 404),
        at("/v1/spaces/%zz", 404),
        at("/v1/spaces/%00", 400),
        at("/v1/spaces/%0d%0aX:%20y", 404),
        at("/v1/../../etc/passwd", 404),
        at("/v1/%2e%2e/etc", 404),
        at("/v1\\spaces", 404),
        at("/v1/spa ces", 400, by_parser=True),
        at("/v1/spa\tces", 400, "tab", by_parser=True),
        at("/v1/spaces/" + "a" * 60_000, 404, "60,000 characters"),
        at("/v1/spaces/" + "a" * 70_000, 414, "70,000 characters", by_parser=True),
        at("/v1/spaces/" + "a" * 1_000_000, 431, "a million characters", by_parser=True),
        at("", 400, "empty", by_parser=True),
        at("v1/environments", 400, by_parser=True),
        at("/v1/environments#x", 200),
        at("http://other.test/v1/environments", 200),
        at("http://[::1/v1/environments", 400, by_parser=True),
        at("*", 404),
        at("/v1/spaces?search=%ff", 200),
        at("/v1/spaces?search=%ed%a0%80", 200),
        at("/v1/spaces?search=\udcff", 400, "raw byte in the query", by_parser=True),
        at("/v1/spaces?pageSize=%&x=%zz", 400),
        at("/v1/spaces?search=%zz", 200),
        at("/v1/spaces?search=%00", 400),
        at("/v1/spaces?a=1;b=2&&&=&=x", 200),
        at("/v1/spaces?" + "&".join(["a=1"] * 15_000), 200, "15,000 parameters"),
        at("/v1/spaces?pageSize=" + "9" * 5_000, 400, "a page of 5,000 digits"),
    ]


def methods(token: str) -> list[Case]:
    """Methods, versions and what is no HTTP at all."""

    def called(method: str, target: str, answer: int, *, body: bytes = b"", by_parser: bool = False) -> Case:
        return Case(f"method: {method[:10]} {target}", (request(method, target, body, token),), (answer,), by_parser)

    def raw(name: str, sent: bytes, *answers: int, by_parser: bool = True) -> Case:
        return Case(name, (sent,), answers, by_parser)

    plain = get(LIST, token=token)
    return [
        called("OPTIONS", "*", 404),
        called("CONNECT", "example.com:443", 405),
        called("CONNECT", LIST, 405),
        called("TRACE", LIST, 405),
        called("BREW", LIST, 405),
        called("BREW", MAKE, 405, body=GOOD),
        called("get", LIST, 405),
        called("A" * 5_000, LIST, 405),
        called("G@T", LIST, 400, by_parser=True),
        called("GET", "/v1/spaces", 200, body=GOOD),
        raw("HTTP/0.9", b"GET /v1/environments\r\n\r\n", 400),
        raw("HTTP/1.0", b"GET /v1/environments HTTP/1.0\r\n\r\n", 401, by_parser=False),
        raw("HTTP/1.2", b"GET /v1/environments HTTP/1.2\r\n\r\n", 400),
        raw("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
        raw("TLS", bytes.fromhex("16030100c8010000c40303") + b"\0" * 200, 400),
        raw("no text", b"\0\1\2\3" * 100 + b"\r\n\r\n", 400),
        raw("empty lines first", b"\r\n\r\n\r\n" + plain, 200, by_parser=False),
        raw("line feeds alone", plain.replace(b"\r\n", b"\n"), 200, by_parser=False),
        Case("leaves in the head", (plain[:30], None), ()),
        Case("half closes", (plain, None), (200,), or_none=True),
    ]


def bodies(token: str) -> list[Case]:
    """What is, or is not, the JSON of a space."""

    def sent(name: str, body: bytes, answer: int = 400) -> Case:
        return Case(f"body: {name}", (_post(token, body),), (answer,))

    def kept(name: str, value: bytes, answer: int = 400) -> Case:
        return sent(name, b'{"name":"x","metadata":' + value + b"}", answer)

    text = GOOD.decode()
    return [
        sent("none", b""),
        sent("spaces", b"   "),
        *(sent(value, value.encode()) for value in ("null", "1", '"x"', "true", "[]", "{")),
        sent("two documents", GOOD + GOOD),
        sent("a comment", b"/* */" + GOOD),
        sent("100,000 open brackets", b"[" * 100_000),
        sent("100,000 open objects", b'{"a":' * 100_000),
        kept("900 levels", b'{"a":' * 900 + b"1" + b"}" * 900),
        kept("a number of 100,000 digits", b"9" * 100_000),
        kept("a number of 30 digits", b"9" * 30, 200),
        kept("a number over all", b"1e400"),
        kept("a number under all", b"1e-99999999999", 200),
        kept("a leading zero", b"007"),
        kept("NaN", b"NaN"),
        kept("Infinity", b"-Infinity"),
        sent("half a surrogate pair", b'{"name":"\\ud800"}'),
        kept("the other half", b'"\\udc00"'),
        kept("half a pair in a name", b'{"\\ud800":1}'),
        sent("half a pair as it is", b'{"name":"\xed\xa0\x80"}'),
        sent("NUL", b'{"name":"a\\u0000b"}'),
        sent("a control character", b'{"name":"a\x01b"}'),
        sent("a member twice", b'{"name":"x","name":"y"}', 200),
        sent("a million items", b"[" + b"1," * 1_000_000 + b"1]"),
        kept("200,000 items kept", b"[" + b"1," * 200_000 + b"1]", 200),
        sent("a name of ten million letters", b'{"name":"' + b"a" * 10_000_000 + b'"}'),
        sent("a byte order mark", b"\xef\xbb\xbf" + GOOD),
        sent("UTF-16", text.encode("utf-16")),
        sent("UTF-32", text.encode("utf-32")),
        sent("Latin-1", '{"name":"é"}'.encode("latin-1")),
    ]


def encodings(token: str) -> list[Case]:
    """What the headers say of a body."""

    def typed(kind: str, answer: int, body: bytes = GOOD) -> Case:
        return Case(f"type: {kind}", (_post(token, body, [f"Content-Type: {kind}"]),), (answer,))

    def coded(name: str, body: bytes, answer: int = 400, headers: Sequence[str] = GZIP) -> Case:
        return Case(f"coding: {name}", (_post(token, body, headers),), (answer,))

    zipped = gzip.compress(GOOD, mtime=0)
    return [
        typed("application/json; charset=utf-16", 400, GOOD.decode().encode("utf-16")),
        typed("application/json; charset=iso-8859-1", 400, '{"name":"é"}'.encode("latin-1")),
        typed('application/json; charset="nope', 200),
        typed("\udcff/\udcfe", 415),
        typed("", 415),
        typed("application/xml", 415),
        typed("application/x-www-form-urlencoded", 400, b"a=b"),
        typed("multipart/form-data", 400, b"--x\r\n\r\n"),
        coded("gzip", zipped, 200),
        coded("a bomb of 300 MiB", gzip.compress(b" " * (300 << 20), 1), 413),
        coded("something after it", zipped + b"garbage"),
        coded("two members", gzip.compress(GOOD[:5]) + gzip.compress(GOOD[5:])),
        coded("half of it", zipped[:-5]),
        coded("a wrong sum", zipped[:-8] + bytes(8)),
        coded("plain", GOOD),
        coded("zipped twice", gzip.compress(zipped), 415, (TYPE, "Content-Encoding: gzip, gzip")),
        coded("deflate", zlib.compress(GOOD), 415, (TYPE, "Content-Encoding: deflate")),
        coded("br", GOOD, 415, (TYPE, "Content-Encoding: br")),
        coded("no text", GOOD, 415, (TYPE, "Content-Encoding: \udcff")),
    ]
