"""What a Python program says it depends on, in the header that PEP 723 describes."""

from __future__ import annotations

import re
import tomllib

from sheetport.kernel.errors import Invalid

_HEADER = re.compile(r"(?m)^# /// script[ \t]*$\n(?P<body>(?:^#(?:| .*)$\n)+?)^# ///[ \t]*$")
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._-]+\])?\s*==\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*")
MAX_REQUIREMENTS = 100


def read_requirements(source: bytes) -> tuple[str, ...]:
    """The dependencies in a program's header (PEP 723), sorted. Raises Invalid when one is not pinned to a version."""
    text = source.decode(errors="replace").replace("\r\n", "\n")
    found = list(_HEADER.finditer(text))
    if not found:
        return ()
    if len(found) > 1:
        raise Invalid("The program has two headers (# /// script); it may have one.", "source")
    lines = (line[2:] if line.startswith("# ") else line[1:] for line in found[0]["body"].splitlines())
    try:
        wanted = tomllib.loads("\n".join(lines)).get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The program's header (# /// script) is no TOML: {error}.", "source") from None
    if not isinstance(wanted, list) or len(wanted) > MAX_REQUIREMENTS:
        raise Invalid(f"The header's dependencies are a list of at most {MAX_REQUIREMENTS} texts.", "source")
    for each in wanted:
        if not isinstance(each, str) or not _PINNED.fullmatch(each.strip()):
            raise Invalid(f"The dependency {str(each)[:80]!r} has to be pinned, such as 'humanize==4.12.3'.", "source")
    return tuple(sorted(re.sub(r"\s", "", each) for each in wanted))
