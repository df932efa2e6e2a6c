"""Reads the fenced blocks of a Markdown page and the notes to the runner above them.

A note is an HTML comment on the line before the fence, invisible to readers:

- ``<!-- not run: REASON -->``   the block is only shown;
- ``<!-- runs until: TEXT -->``  it is started beside the rest and awaited until its output contains TEXT;
- ``<!-- prints: TEXT -->``      its output has to contain TEXT;
- ``<!-- file: NAME -->``        it is written to the file NAME in the working folder.

Blocks of RUN languages are run; blocks of other languages are only shown unless they are files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

RUN = ("sh", "bash", "console", "python", "js")
NOTES = ("not run", "runs until", "prints", "file")
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w+-]*)\s*$")
NOTE = re.compile(r"^\s*<!--\s*(?P<kind>not run|runs until|prints|file)\b:?\s*(?P<text>.*?)\s*-->\s*$")


class PageError(Exception):
    """A page that breaks the conventions; the message names the line."""


@dataclass(frozen=True)
class Block:
    """``line`` is that of the opening fence; ``notes`` maps a note's kind to its text."""

    language: str
    text: str
    line: int
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def to_run(self) -> bool:
        """True for a command of the page, as against text, a file or a block with a reason not to run it."""
        return self.language in RUN and not self.notes.keys() & {"not run", "file"}


def read_blocks(page: Path) -> list[Block]:
    """The page's blocks from top to bottom. Raises PageError for a note without text and an open fence."""
    blocks: list[Block] = []
    notes: dict[str, str] = {}
    lines = page.read_text(encoding="utf-8").split("\n")
    number = 0
    while number < len(lines):
        if fence := FENCE.match(lines[number]):
            end = _closing(lines, number, page)
            body = [line.removeprefix(fence["indent"]) for line in lines[number + 1 : end]]
            blocks.append(Block(fence["language"], "\n".join(body) + "\n", number + 1, notes))
            notes, number = {}, end
        elif note := NOTE.match(lines[number]):
            if not note["text"]:
                raise PageError(f"{page.name}:{number + 1}: the note '{note['kind']}' needs a text after the colon")
            notes[note["kind"]] = note["text"]
        elif lines[number].strip() and notes:
            raise PageError(f"{page.name}:{number + 1}: the note above belongs on the line before a fence")
        number += 1
    return blocks


def _closing(lines: list[str], opening: int, page: Path) -> int:
    """The index of the fence that closes the one at ``opening``."""
    for number in range(opening + 1, len(lines)):
        if lines[number].strip() == "```":
            return number
    raise PageError(f"{page.name}:{opening + 1}: this fence is never closed")


def shell_commands(block: Block) -> str:
    """A block as a shell script: of ``console`` only what follows the prompts ``$ `` and ``> ``."""
    if block.language != "console":
        return block.text
    commands: list[str] = []
    continued = False
    for line in block.text.splitlines():
        if line.startswith("$ ") or (continued and line.startswith("> ")):
            commands.append(line[2:])
            continued = line.endswith("\\")
        elif continued:
            commands.append(line)
            continued = line.endswith("\\")
    return "\n".join(commands) + "\n"
