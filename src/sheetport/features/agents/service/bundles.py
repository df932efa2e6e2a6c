"""Programs as they are sent, as they are kept, and as they are given back. Nothing here asks the database: it takes
long for large ones, so routes call it off the event loop."""

from __future__ import annotations

import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator

from sheetport.features.agents.model import MAX_STORED, MAX_TEXT, Bundle, Suspect
from sheetport.kernel.errors import Invalid, TooLarge
from sheetport.kernel.json import loads
from sheetport.kernel.requirements import read_requirements
from sheetport.kernel.token_scan import find_tokens

_MEGABYTE = 1024 * 1024
#: In the archive of an export; the sources come beside them, as the source map has them.
BUNDLE_NAME, MAP_NAME = "bundle.js", "bundle.js.map"


def check_bundle(
    source: str | None, source_map: str | None, compiler: str | None = None
) -> tuple[Bundle, tuple[Suspect, ...]]:
    """The program as it is kept, and what in it looks like a token of ours.

    Raises Invalid without a source and for a Python program whose header pins no versions, TooLarge for a source or a
    source map that is too long.
    """
    if source is None or not source.strip():
        raise Invalid("source: send the program, one CommonJS file such as 'npx flatfile deploy' makes.", "source")
    if compiler == "python":
        read_requirements(source.encode("utf-8", "surrogatepass"))
    suspects = tuple(_suspects(source, source_map))
    packed = _packed("source", source)
    return Bundle(packed, None if source_map is None else _packed("sourceMap", source_map)), suspects


def unpacked(packed: bytes) -> bytes:
    """The text of a source or a source map that is kept."""
    return zlib.decompress(packed)


def pack_export(bundle: Bundle) -> bytes:
    """A ``.tgz`` of a program: the bundle, its source map, and the sources that the source map holds."""
    files = {BUNDLE_NAME: unpacked(bundle.source)}
    if bundle.source_map is not None:
        text = unpacked(bundle.source_map)
        files[MAP_NAME] = text
        for name, source in _sources(text.decode("utf-8", "replace")):
            files.setdefault(_inside(name), source.encode("utf-8", "surrogatepass"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _packed(key: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_TEXT:
        raise TooLarge(f"{key} has more than {MAX_TEXT // _MEGABYTE} MB: leave out what the agent does not need.", key)
    packed = zlib.compress(raw)
    if len(packed) > MAX_STORED:
        raise TooLarge(f"{key} has more than {MAX_STORED // _MEGABYTE} MB, compressed: make it smaller.", key)
    return packed


def _suspects(source: str, source_map: str | None) -> Iterator[Suspect]:
    """What looks like a token of ours, named by its own file where the source map tells."""
    named = dict.fromkeys((each.token for each in find_tokens(source.encode("utf-8", "surrogatepass"))), "")
    for name, content in _sources(source_map) if source_map else ():
        for found in find_tokens(content.encode("utf-8", "surrogatepass")):
            if not found.public:
                named.pop(found.token, None)
                yield Suspect(found.token, found.kind, found.masked, _inside(name), found.line)
    for found in find_tokens(source.encode("utf-8", "surrogatepass")):
        if found.token in named and not found.public:
            yield Suspect(found.token, found.kind, found.masked, "the bundle", found.line)


def _sources(source_map: str) -> Iterator[tuple[str, str]]:
    """(name, content) of each source that a source map holds."""
    try:
        found = loads(source_map)
        pairs = zip(found["sources"], found["sourcesContent"], strict=False)
        yield from ((name, content) for name, content in pairs if isinstance(name, str) and isinstance(content, str))
    except (ValueError, KeyError, TypeError):
        return


def _inside(name: str) -> str:
    """A source's name as a path that cannot leave the folder it is unpacked in."""
    plain = name.partition("://")[2] or name
    path = posixpath.normpath("/" + plain.replace("\\", "/").replace("\0", "")).lstrip("/")
    return f"sources/{path[:200] or 'unnamed'}"
