"""What a program writes: bounded, and without the tokens it was given."""

from __future__ import annotations

from sheetport.runtime.agent_host.model import MAX_LOG

_HEAD = MAX_LOG * 3 // 4
_CUT = b"\n... cut ...\n"
_TAIL = MAX_LOG - _HEAD - len(_CUT)
_MASK = "[token]"


class Log:
    """Keeps the first and the last of what is written."""

    def __init__(self) -> None:
        self.written = 0
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, text: bytes) -> None:
        """More of it."""
        self.written += len(text)
        room = _HEAD - len(self._head)
        self._head += text[:room]
        self._tail += text[room:] if room > 0 else text
        del self._tail[:-_TAIL]

    def note(self, line: str) -> None:
        """A line of the host's own."""
        start = "\n" if self._head and not (self._tail or self._head).endswith(b"\n") else ""
        self.add(f"{start}[sheetport] {line}\n".encode())

    def text(self, token: str) -> str:
        """All that was kept."""
        secret = token.encode()
        if self.written <= len(self._head) + len(self._tail):
            return masked((self._head + self._tail).decode(errors="replace"), token).strip("\n")
        head, tail = bytes(self._head), bytes(self._tail)
        for size in range(len(secret) - 1, 0, -1):  # a token on a cut must not show its half
            head = head.removesuffix(secret[:size]) if head.endswith(secret[:size]) else head
            tail = tail.removeprefix(secret[size:]) if tail.startswith(secret[size:]) else tail
        return masked((head + _CUT + tail).decode(errors="replace"), token).strip("\n")


def masked(text: str, token: str) -> str:
    """``text`` without the token."""
    return text.replace(token, _MASK) if token else text


def one_line(text: str, token: str) -> str:
    """An error as one line of at most 500 characters."""
    line = " ".join(masked(text, token).split())
    return line if len(line) <= 500 else f"{line[:497]}..."
