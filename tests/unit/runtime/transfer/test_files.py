"""The files of an export, written whole or not at all, and refused when they are not as they were written."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sheetport.runtime.transfer.files_in import MAX_LINE, InFiles, in_files
from sheetport.runtime.transfer.files_out import TransferError, out_files
from sheetport.runtime.transfer.importing import import_environment

ENVIRONMENT: dict[str, Any] = {
    "id": "us_env_0000000000000000",
    "name": "dev",
    "isProd": False,
    "guestAuthentication": ["shared_link"],
    "features": {},
    "metadata": {},
}
SPACE = {
    "id": "us_sp_0000aaaaaaaaaaaa",
    "environmentId": "us_env_0000000000000000",
    "name": "S",
    "metadata": {},
    "guestAuthentication": [],
    "workbooksCount": 1,
    "filesCount": 0,
    "autoConfigure": False,
    "isAppTemplate": False,
    "isCollaborative": False,
    "createdAt": "2027-01-15T08:00:00.000Z",
    "updatedAt": "2027-01-15T08:00:00.000Z",
}
SHEET = {
    "id": "us_sh_0000aaaaaaaaaaaa",
    "workbookId": "us_wb_0000aaaaaaaaaaaa",
    "name": "People",
    "slug": "people",
    "config": {"name": "People", "slug": "people", "fields": [{"key": "age", "type": "number"}]},
    "createdAt": "2027-01-15T08:00:00.000Z",
    "updatedAt": "2027-01-15T08:00:00.000Z",
}
BOOK = {
    "id": "us_wb_0000aaaaaaaaaaaa",
    "spaceId": SPACE["id"],
    "environmentId": "us_env_0000000000000000",
    "name": "B",
    "sheets": [SHEET],
    "createdAt": "2027-01-15T08:00:00.000Z",
    "updatedAt": "2027-01-15T08:00:00.000Z",
}
IN_SPACE = f"spaces/{SPACE['id']}"
IN_BOOK = f"{IN_SPACE}/workbooks/{BOOK['id']}"
RECORDS = f"{IN_BOOK}/sheets/{SHEET['id']}/records.jsonl"


def record(seq: int, value: Any = 1) -> bytes:
    return json.dumps({"id": f"us_rc_0000000001{seq:06d}", "values": {"age": {"value": value}}}).encode() + b"\n"


def content() -> dict[str, bytes]:
    """A small export that can be imported, without its manifest."""
    return {
        "apps.json": b"[]",
        "environment.json": json.dumps(ENVIRONMENT).encode(),
        "jobs.jsonl": b"",
        "secrets.json": b"[]",
        f"{IN_SPACE}/space.json": json.dumps(SPACE).encode(),
        f"{IN_BOOK}/workbook.json": json.dumps(BOOK).encode(),
        RECORDS: record(1) + record(2),
    }


def manifest(held: dict[str, bytes], **changes: Any) -> bytes:
    entries = [{"path": name, "bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in held.items()]
    named = {"id": ENVIRONMENT["id"], "name": "dev"}
    made = {"format": 1, "environment": named, "counts": {}, "changedDuringExport": [], "files": entries}
    return json.dumps(made | changes).encode()


def folder(at: Path, files: dict[str, bytes], described: bytes | None = None) -> Path:
    for name, data in {**files, "manifest.json": manifest(files) if described is None else described}.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(data)
    return at


class Deaf:
    """A server that takes everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append(operation)
        return {"environmentId": "us_env_1111111111111111", "accountId": "us_acc_1", "remarks": []} | arguments


def imported(source: Path) -> list[str]:
    server = Deaf()
    with ExitStack() as stack:
        files = in_files(source, stack)
        try:
            import_environment(files, server, account=None, name=None, progress=lambda _: None)
        except TransferError:
            assert server.asked[-1:] in ([], ["give-up-import"]), "what was begun is taken back"
            assert "publish-import" not in server.asked
            raise
    return server.asked


def test_the_small_export_can_be_imported(tmp_path: Path) -> None:
    assert imported(folder(tmp_path, content())) == ["begin-import", "import-rows", "publish-import"]


def changed(name: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: data})


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.pop(name) and None


def json_with(path: str, described: dict[str, Any], **changes: Any) -> Callable[[dict[str, bytes]], None]:
    return changed(path, json.dumps(described | changes).encode())


#: What is wrong with a file whose sum is right, and what the refusal says: the file, the line, the member, the fix.
FAULTS = {
    "a record is no JSON": (changed(RECORDS, record(1) + b"{\n"), r"records\.jsonl, line 2: record: "),
    "a value is no cell's": (changed(RECORDS, record(1, {"a": 1})), r"line 1: record: .*value"),
    "a field is not the sheet's": (
        changed(RECORDS, record(1).replace(b'"age"', b'"Age"')),
        r"line 1: record\.values\.Age: .* did you mean 'age'\?",
    ),
    "an id is no record's": (changed(RECORDS, record(1).replace(b"us_rc_", b"us_xx_")), r"line 1: record\.id: "),
    "an id comes twice": (changed(RECORDS, record(1) + record(1)), r"line 2: record\.id: .* grow"),
    "an id is another sheet's": (
        changed(RECORDS, record(1) + record(2).replace(b"0000000001", b"0000000002")),
        r"line 2: record\.id: .* of one sheet",
    ),
    "a record holds NUL": (changed(RECORDS, record(1, "a\0b")), r"line 1: record.*NUL"),
    "records are missing": (without(RECORDS), r"workbook\.json: the sheet 'People' has no"),
    "records belong to no sheet": (
        json_with(f"{IN_BOOK}/workbook.json", BOOK, sheets=[]),
        r"records\.jsonl: its workbook has no such sheet",
    ),
    "a field type is unknown": (
        json_with(
            f"{IN_BOOK}/workbook.json",
            BOOK,
            sheets=[SHEET | {"config": {"name": "P", "slug": "p", "fields": [{"key": "age", "type": "colour"}]}}],
        ),
        r"workbook\.json: sheets\[0\]\.fields\[0\]\.type cannot be 'colour'",
    ),
    "a workbook is in another space": (
        json_with(f"{IN_BOOK}/workbook.json", BOOK, spaceId="us_sp_other"),
        r"workbook\.json: spaceId is not the",
    ),
    "a space is missing": (without(f"{IN_SPACE}/space.json"), r"spaceId: there is no 'us_sp_0000aaaaaaaaaaaa'"),
    "a space has no name": (json_with(f"{IN_SPACE}/space.json", SPACE, name=" "), r"space\.json: name must have"),
    "a time is none": (json_with(f"{IN_SPACE}/space.json", SPACE, createdAt="then"), r"createdAt: give a time as ISO"),
    "an id is not its folder's": (
        json_with(f"{IN_SPACE}/space.json", SPACE, id="us_sp_x"),
        r"id: 'us_sp_x' is not the",
    ),
    "a list is none": (changed("secrets.json", b"{}"), r"secrets\.json: expected an array"),
    "a job's status is unknown": (
        changed("jobs.jsonl", json.dumps({"id": "us_jb_1", "type": "space", "status": "sleeping"}).encode()),
        r"jobs\.jsonl, line 1: ",
    ),
    "the environment has no name": (json_with("environment.json", ENVIRONMENT, name=None), r"environment\.json: name"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_file_is_refused_with_its_place_and_nothing_is_made(tmp_path: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    files = content()
    change(files)
    with pytest.raises(TransferError, match=message) as refused:
        imported(folder(tmp_path, files))
    assert str(refused.value).endswith("Nothing was imported.")


#: What is wrong with an export as a whole.
STRANGE = {
    "another format": ({}, {"format": 2}, "says format 2, and this version reads format 1"),
    "no format": ({}, {"format": None}, "says format None"),
    "a path out of the folder": ({"../../etc/passwd": b"x"}, {}, r"'\.\./\.\./etc/passwd' is no file of an export"),
    "an absolute path": ({"/etc/passwd": b"x"}, {}, "'/etc/passwd' is no file of an export"),
    "a file of another kind": ({"notes.txt": b"x"}, {}, r"'notes\.txt' is no file of an export"),
    "a manifest without files": ({}, {"files": "all"}, r"manifest\.json: files: expected an array"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_export_is_refused(tmp_path: Path, case: str) -> None:
    added, changes, message = STRANGE[case]
    files = content() | added
    source = tmp_path / "strange.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in {**files, "manifest.json": manifest(files, **changes)}.items():
            archive.writestr(name, data)
    with ExitStack() as stack, pytest.raises(TransferError, match=message):
        in_files(source, stack)


def refusal(source: Path) -> str:
    with ExitStack() as stack, pytest.raises(TransferError) as refused:
        in_files(source, stack)
    return str(refused.value)


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    assert "There is no file or folder" in refusal(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("not a zip")
    assert "cannot be read as a zip file" in refusal(tmp_path / "text.zip")
    (tmp_path / "empty").mkdir()
    assert "holds no manifest.json" in refusal(tmp_path / "empty")
    assert "this is not JSON" in refusal(folder(tmp_path / "broken", content(), b"{"))


def test_a_changed_a_missing_and_an_added_file_are_found(tmp_path: Path) -> None:
    changed_one = folder(tmp_path / "changed", content())
    (changed_one / RECORDS).write_bytes(record(1) + record(3))
    assert "records.jsonl: is not as manifest.json says" in refusal(changed_one)
    missing = folder(tmp_path / "missing", content())
    (missing / RECORDS).unlink()
    assert "records.jsonl is missing" in refusal(missing)
    added = folder(tmp_path / "added", content())
    (added / IN_SPACE / "more.json").write_text("{}")
    assert "more.json' is no file of an export" in refusal(added)
    without_apps = content()
    del without_apps["apps.json"]
    assert "apps.json is missing" in refusal(folder(tmp_path / "apps", without_apps))


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"[]")
    source = folder(tmp_path / "linked", content())
    (source / "apps.json").unlink()
    (source / "apps.json").symlink_to(tmp_path / "secret")
    assert "'apps.json' is neither a file nor a folder" in refusal(source)


def test_a_zip_that_unpacks_to_more_than_it_says_is_refused_at_once(tmp_path: Path) -> None:
    files = content()
    described = manifest(files)
    source = tmp_path / "bomb.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data if name != "apps.json" else b"[" + b" " * 50_000_000)
        archive.writestr("manifest.json", described)
    assert source.stat().st_size < 100_000
    assert "apps.json: is not as manifest.json says" in refusal(source)


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    class Endless:
        asked = 0

        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def readline(self, most: int) -> bytes:
            self.asked = most
            return b"x" * most

    endless = Endless()
    with ExitStack() as stack:
        whole = in_files(folder(tmp_path, content()), stack)
    files = InFiles(tmp_path, lambda _: endless, whole.manifest)  # type: ignore[arg-type, return-value]
    with pytest.raises(TransferError, match="line 1: the line is longer than"):
        next(files.lines(RECORDS))
    assert endless.asked == MAX_LINE + 1


def test_a_name_that_comes_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "twice.zip"
    files = content()
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in {**files, "manifest.json": manifest(files)}.items():
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("apps.json", b"[1]")
    assert "holds 'apps.json' twice" in refusal(source)


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_what_is_written_is_there_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    target = tmp_path / name

    def fill_disk() -> None:
        with out_files(target) as files:
            files.add_json("apps.json", [])
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill_disk()
    assert list(tmp_path.iterdir()) == []
    with out_files(target) as files:
        files.add_json("apps.json", [])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["there.zip", "there"])
def test_nothing_that_is_there_is_replaced(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    target.write_text("mine")
    with pytest.raises(TransferError, match="is there already"), out_files(target):
        pass
    target.unlink()
    os.symlink(tmp_path / "nowhere", target)
    with pytest.raises(TransferError, match="is there already"), out_files(target):
        pass
    with pytest.raises(TransferError, match="There is no folder"), out_files(tmp_path / "no" / name):
        pass
