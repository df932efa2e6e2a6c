"""The record codec: what comes in goes out again, in exactly the wire shape clients compare."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheetport.features.records.codec import (
    RecordChange,
    RowTemplate,
    StoredRow,
    decode_insert,
    decode_update,
    merge_update,
    parse_record_id,
    record_id,
    render_rows,
)
from sheetport.kernel.errors import Invalid, SheetportError, TooLarge

SLOTS = {"firstName": 0, "tags": 1, "age": 2}
ID = "us_rc_tagA000001000001"
ERROR = {"type": "error", "source": "custom-logic", "message": "No"}
WARNING = {"field": "age", "type": "warn", "message": "Hm", "path": "$.value"}


def body(*records: Any) -> bytes:
    return json.dumps(records).encode()


def insert(*records: Any, slots: dict[str, int] = SLOTS) -> list[StoredRow]:
    return decode_insert(body(*records), slots, limit=1_000)


def change(slots: dict[str, int] = SLOTS, **parts: Any) -> RecordChange:
    return decode_update(body({"id": ID, **parts}), slots, limit=1)[0]


def render(*rows: StoredRow, slots: dict[str, int] = SLOTS, **options: Any) -> list[dict[str, Any]]:
    template = RowTemplate(list(slots.items()))
    read: list[dict[str, Any]] = json.loads(render_rows([(ID, *row) for row in rows], template, **options))
    return read


def refusal(text: bytes, slots: dict[str, int] = SLOTS, decode: Any = decode_insert) -> tuple[str, str]:
    with pytest.raises(Invalid) as refused:
        decode(text, slots, limit=1_000)
    return refused.value.key, refused.value.message


def fate(decode: Any, text: bytes) -> str:
    """ "taken", or the key of the refusal; any other exception is a failure."""
    try:
        decode(text, SLOTS, limit=10)
    except SheetportError as refused:
        return refused.key
    return "taken"


# ---- insert --------------------------------------------------------------------------------------


def test_a_clean_record_is_one_array_by_slot() -> None:
    sent = {"age": {"value": 7}, "firstName": {"value": "Zoë"}, "tags": {"value": ["a", "b"]}}
    assert insert(sent) == [StoredRow('["Zoë",["a","b"],7]', None, True)]


def test_cells_not_sent_or_null_are_null() -> None:
    assert (
        insert({}, {"age": {}}, {"age": {"value": None}}, {"age": None})
        == [StoredRow("[null,null,null]", None, True)] * 4
    )


def test_no_records_are_no_rows() -> None:
    assert decode_insert(b" [ ] ", SLOTS, limit=0) == []


def test_slots_of_removed_fields_stay_null() -> None:
    assert insert({"b": {"value": 1}}, slots={"b": 4, "a": 1}) == [StoredRow("[null,null,null,null,1]", None, True)]


@pytest.mark.parametrize("value", ["", "2024-02-30", 0, -0.5, 10**30, 1e300, True, False, [], ["x", ""], None])
def test_values_keep_their_type(value: Any) -> None:
    [row] = insert({"age": {"value": value}})
    [record] = render(row)
    assert record["values"]["age"]["value"] == value
    assert type(record["values"]["age"]["value"]) is type(value)


def test_an_error_message_makes_the_record_and_its_cell_invalid() -> None:
    [row] = insert({"firstName": {"value": "x", "messages": [ERROR]}, "age": {"messages": [WARNING]}})
    assert not row.valid
    assert json.loads(row.ext or "") == {"m": {"0": [ERROR], "2": [WARNING]}, "e": [0]}
    [record] = render(row)
    assert record["valid"] is False
    assert record["values"]["firstName"] == {"value": "x", "messages": [ERROR], "valid": False}
    assert record["values"]["age"] == {"value": None, "messages": [WARNING], "valid": True}


def test_warnings_leave_the_record_valid() -> None:
    [row] = insert({"age": {"value": 1, "messages": [WARNING, {"type": "info", "message": "i"}]}})
    assert row.valid
    assert render(row)[0]["valid"] is True


def test_a_message_without_type_is_an_error() -> None:
    [row] = insert({"age": {"messages": [{"message": "bad", "source": None}]}})
    assert not row.valid
    assert render(row)[0]["values"]["age"]["messages"] == [{"type": "error", "message": "bad"}]


def test_what_a_read_cell_carries_is_accepted_back() -> None:
    cell = {"value": 1, "valid": False, "messages": [], "metadata": {"a": 1}, "layer": "x", "updatedAt": "2024-01-01"}
    assert insert({"age": {**cell, "links": []}}) == [StoredRow("[null,null,1]", None, True)]


def test_a_whole_record_brings_metadata_and_config() -> None:
    config = {"readonly": True, "fields": {"age": {"readonly": True}}, "markedForDeletion": False}
    whole = {"values": {"age": {"value": 3}}, "metadata": {"row": [1, None]}, "config": config, "valid": True}
    [row] = insert(whole)
    assert render(row)[0] | {"values": {}} == {
        "id": ID,
        "values": {},
        "valid": True,
        "metadata": {"row": [1, None]},
        "config": config,
    }
    assert render(row)[0]["values"]["age"]["value"] == 3


def test_a_field_called_values_is_a_field() -> None:
    assert insert({"values": {"value": 1}}, slots={"values": 0}) == [StoredRow("[1]", None, True)]


def test_an_unknown_field_is_named_with_its_record_and_the_likely_one() -> None:
    key, message = refusal(body({}, {"age": {"value": 1}, "firstname": {"value": "x"}}))
    assert key == "records[1].firstname"
    assert "'firstname'" in message
    assert "did you mean 'firstName'?" in message
    assert "its fields are firstName, tags, age" in refusal(body({"zzz": {}}))[1]
    assert "none yet" in refusal(body({"a": {}}), {})[1]


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (b"", "records", "not JSON"),
        (b"[{]", "records", "not JSON"),
        (b"{}", "records", "array of records"),
        (b"null", "records", "array of records"),
        (b"[" * 5_000, "records", "nested too deeply"),
        (b"[{},7]", "records[1]", "expected an object"),
        (b"[null]", "records[0]", "expected an object"),
        (b'[{"age":5}]', "records[0].age", 'such as {"value": "x"}'),
        (b'[{"age":{"value":{}}}]', "records[0].age", "got `object`"),
        (b'[{"age":{"value":[1]}}]', "records[0].age", "$.value[0]"),
        (b'[{"age":{"value":1e999}}]', "records[0].age", "out of range"),
        (b'[{"age":{"value":"\xff"}}]', "records[0].age", "utf-8"),
        (b'[{"age":{"value":"\\ud800"}}]', "records", "not JSON"),
        (b'[{"age":{"messages":[{"type":"fatal"}]}}]', "records[0].age", "'fatal'"),
        (b'[{"age":{"messages":[{"source":"me"}]}}]', "records[0].age", "'me'"),
        (b'[{"values":{"agee":{}}}]', "records[0].values.agee", "did you mean 'age'?"),
        (b'[{"values":7}]', "records[0].values", "expected an object"),
        (b'[{"values":{},"metadata":[]}]', "records[0].metadata", "got `array`"),
        (b'[{"values":{},"config":{"readonly":"yes"}}]', "records[0].config", "$.readonly"),
        (b'[{"values":{},"metadata":{"a":"\\u0000"}}]', "records[0].metadata.a", "NUL"),
    ],
)
def test_bodies_that_cannot_be_inserted(text: bytes, key: str, says: str) -> None:
    found, message = refusal(text)
    assert found == key
    assert says in message


@pytest.mark.parametrize("slots", [SLOTS, {**SLOTS, 'odd "key"': 3}])
def test_nul_characters_are_named(slots: dict[str, int]) -> None:
    assert refusal(body({}, {"tags": {"value": ["a", "b\0"]}}), slots)[0] == "records[1].tags.value[1]"
    assert refusal(body({"age": {"messages": [{"message": "\0"}]}}), slots)[0] == "records[0].age.messages[0].message"
    text = "a backslash and u0000: \\u0000"
    [row] = insert({"firstName": {"value": text}}, slots=slots)
    assert render(row, slots=slots)[0]["values"]["firstName"]["value"] == text


def test_deep_or_broken_json_in_members_not_kept_is_no_server_error() -> None:
    nul = b'"firstName":{"value":"\\u0000"}'
    for odd in (b"1e999", b"[" * 400 + b"]" * 400, b'"\\ud800"', b'"\xff"'):
        for record in (b'{"age":{"layer":' + odd + b"}," + nul + b"}", b'{"age":{"layer":' + odd + b"}}"):
            for text in (b"[" + record + b"]", b'[{"values":' + record + b"}]"):
                assert fate(decode_insert, text).startswith(("taken", "records"))


def test_more_records_than_the_limit_are_refused() -> None:
    assert len(decode_insert(body({}, {}), SLOTS, limit=2)) == 2
    with pytest.raises(TooLarge, match="at most 2 records"):
        decode_insert(body({}, {}, {}), SLOTS, limit=2)


# ---- rendering -----------------------------------------------------------------------------------


def test_the_wire_bytes_of_a_plain_record() -> None:
    [row] = insert({"a": {"value": "x"}}, slots={"a": 0, "b": 1})
    assert render_rows([(ID, *row)], RowTemplate([("b", 1), ("a", 0)])) == (
        b'[{"id":"' + ID.encode() + b'","values":{"b":{"value":null,"messages":[],"valid":true},'
        b'"a":{"value":"x","messages":[],"valid":true}},"valid":true,"metadata":{},"config":{}}]'
    )


def test_records_with_and_without_notes_have_the_same_keys_in_the_same_order() -> None:
    plain, noted = render(*insert({"age": {"value": 1}}, {"age": {"value": 1, "messages": [ERROR]}}))
    assert list(plain) == list(noted) == ["id", "values", "valid", "metadata", "config"]
    for record in (plain, noted):
        assert list(record["values"]) == list(SLOTS)
        assert {tuple(cell) for cell in record["values"].values()} == {("value", "messages", "valid")}


def test_no_rows_are_an_empty_array() -> None:
    assert render_rows([], RowTemplate([("a", 0)])) == b"[]"


def test_fields_added_later_are_null_and_removed_ones_are_gone() -> None:
    plain, noted = insert({"firstName": {"value": "x"}}, {"age": {"messages": [WARNING]}, "firstName": {"value": "y"}})
    later = {"firstName": 0, "added": 5}
    empty = {"value": None, "messages": [], "valid": True}
    for row, name in ((plain, "x"), (noted, "y")):
        [record] = render(row, slots=later)
        assert record["values"] == {"firstName": {"value": name, "messages": [], "valid": True}, "added": empty}
    assert render(plain, slots={})[0]["values"] == {}


def test_without_messages_cells_still_say_whether_they_are_valid() -> None:
    [row] = insert({"age": {"value": 1, "messages": [ERROR]}})
    [record] = render(row, include_messages=False)
    assert record["values"]["age"] == {"value": 1, "messages": [], "valid": False}
    assert record["valid"] is False


# ---- update --------------------------------------------------------------------------------------


def test_given_cells_are_replaced_and_others_stay() -> None:
    [row] = insert({"firstName": {"value": "x"}, "age": {"value": 1, "messages": [ERROR]}})
    merged, changed = merge_update(row, change(values={"firstName": {"value": "y"}}), SLOTS)
    assert changed
    assert merged == StoredRow('["y",null,1]', row.ext, False)


def test_messages_are_replaced_wholesale() -> None:
    [row] = insert({"age": {"value": 1, "messages": [ERROR, WARNING]}, "tags": {"messages": [ERROR]}})
    merged, changed = merge_update(row, change(values={"age": {"value": 1, "messages": [WARNING]}}), SLOTS)
    assert not changed
    assert json.loads(merged.ext or "") == {"m": {"1": [ERROR], "2": [WARNING]}, "e": [1]}
    cleared, changed = merge_update(merged, change(values={"age": {"value": 1}, "tags": {"messages": []}}), SLOTS)
    assert not changed
    assert cleared == StoredRow("[null,null,1]", None, True)


def test_a_cell_without_value_keeps_it_and_null_empties_it() -> None:
    [row] = insert({"age": {"value": 1}})
    noted, changed = merge_update(row, change(values={"age": {"messages": [ERROR]}}), SLOTS)
    assert (noted.vals, noted.valid, changed) == (row.vals, False, False)
    assert merge_update(row, change(values={"age": {"value": None}}), SLOTS) == (
        StoredRow("[null,null,null]", None, True),
        True,
    )
    assert merge_update(row, change(values={"age": None}), SLOTS) == (row, False)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (1, 1, False),
        (1, 1.0, False),
        (1, True, True),
        (0, False, True),
        ("1", 1, True),
        (["a"], ["a"], False),
        (["a"], ["A"], True),
        (None, None, False),
        (None, "", True),
    ],
)
def test_what_counts_as_a_changed_value(old: Any, new: Any, changed: bool) -> None:
    [row] = insert({"age": {"value": old}})
    assert merge_update(row, change(values={"age": {"value": new}}), SLOTS)[1] is changed


def test_metadata_and_config_are_replaced_when_given() -> None:
    [row] = insert({"age": {"value": 1}})
    set_, changed = merge_update(row, change(metadata={"a": 1}, config={"readonly": True}), SLOTS)
    assert not changed
    assert render(set_)[0]["metadata"] == {"a": 1}
    assert render(set_)[0]["config"] == {"readonly": True}
    kept, _ = merge_update(set_, change(metadata=None, values={}), SLOTS)
    assert kept == set_
    half, _ = merge_update(set_, change(metadata={}), SLOTS)
    assert (render(half)[0]["metadata"], render(half)[0]["config"]) == ({}, {"readonly": True})
    assert merge_update(half, change(config={}), SLOTS)[0] == row


def test_a_field_added_later_is_written_beyond_the_old_end() -> None:
    [row] = insert({"age": {"value": 1}})
    later = {**SLOTS, "added": 5}
    merged, changed = merge_update(row, change(later, values={"added": {"value": "x"}}), later)
    assert changed
    assert merged.vals == '[null,null,1,null,null,"x"]'
    assert merge_update(row, change(later, values={"added": {"value": None}}), later)[1] is False


def test_an_update_names_its_commit() -> None:
    assert change(commitId="us_vr_1").commit_id == "us_vr_1"
    assert change(versionId="us_vr_2").version_id == "us_vr_2"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (b"{}", "records", "array of records"),
        (b"[{}]", "records[0]", "`id`"),
        (b'[{"id":7}]', "records[0]", "$.id"),
        (b'[{"id":"a","values":{"agee":{}}}]', "records[0].values.agee", "did you mean 'age'?"),
        (b'[{"id":"a","values":{"age":7}}]', "records[0].values.age", "expected a cell"),
        (b'[{"id":"a","values":{"age":{"value":"\\u0000"}}}]', "records[0].values.age.value", "NUL"),
        (b'[{"id":"a","metadata":{"\\u0000":1}}]', "records[0].metadata", "NUL"),
        (b'[{"id":"a","config":{"fields":{"age":{"readonly":1}}}}]', "records[0].config", "readonly"),
    ],
)
def test_bodies_that_cannot_update(text: bytes, key: str, says: str) -> None:
    found, message = refusal(text, decode=decode_update)
    assert found == key
    assert says in message


# ---- round trips ---------------------------------------------------------------------------------

KEYS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
VALUES = st.one_of(st.none(), TEXT, st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES |= st.lists(TEXT, max_size=3)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["error", "warn", "info"]), "message": TEXT},
        optional={"field": TEXT, "path": TEXT, "source": st.sampled_from(["custom-logic", "unlinked"])},
    ),
    max_size=2,
)
CELLS = st.fixed_dictionaries({"value": VALUES, "messages": MESSAGES})
OBJECTS = st.dictionaries(TEXT, st.one_of(VALUES, st.dictionaries(TEXT, VALUES, max_size=2)), max_size=2)
SHEETS = st.lists(KEYS, min_size=1, max_size=5, unique=True).map(
    lambda keys: dict(zip(keys, random.Random(len(keys)).sample(range(8), len(keys)), strict=True))
)


def expected(slots: dict[str, int], cells: dict[str, Any], metadata: Any = None, config: Any = None) -> dict[str, Any]:
    values = {}
    for key in slots:
        cell = cells.get(key, {"value": None, "messages": []})
        valid = all(message["type"] != "error" for message in cell["messages"])
        values[key] = {"value": cell["value"], "messages": cell["messages"], "valid": valid}
    valid = all(cell["valid"] for cell in values.values())
    return {"id": ID, "values": values, "valid": valid, "metadata": metadata or {}, "config": config or {}}


def cells_of(slots: dict[str, int]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(list(slots)), CELLS)


@settings(deadline=None)
@given(st.data(), SHEETS, st.booleans())
def test_records_come_back_as_inserted(data: st.DataObject, slots: dict[str, int], escaped: bool) -> None:
    records = data.draw(st.lists(cells_of(slots), max_size=4))
    text = json.dumps(records, ensure_ascii=escaped).encode()
    rows = decode_insert(text, slots, limit=4)
    assert render(*rows, slots=slots) == [expected(slots, cells) for cells in records]
    assert [row.valid for row in rows] == [record["valid"] for record in render(*rows, slots=slots)]


@settings(deadline=None)
@given(st.data(), SHEETS, OBJECTS, OBJECTS)
def test_updates_are_as_if_inserted(data: st.DataObject, slots: dict[str, int], before: Any, after: Any) -> None:
    old, new = data.draw(cells_of(slots)), data.draw(cells_of(slots))
    [row] = insert(old, slots=slots)
    row, _ = merge_update(row, change(slots, metadata=before, config={"readonly": True}), slots)
    merged, changed = merge_update(row, change(slots, values=new, metadata=after), slots)
    assert render(merged, slots=slots) == [expected(slots, {**old, **new}, after, {"readonly": True})]
    if not changed:
        assert json.loads(merged.vals) == json.loads(row.vals)
    again, changed = merge_update(merged, change(slots, values=new, metadata=after), slots)
    assert (again, changed) == (merged, False)


@settings(deadline=None)
@given(
    st.recursive(
        VALUES,
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["age", "value", "values", "messages", "id"]), inner)
        ),
    )
)
def test_any_json_is_inserted_or_refused(sent: Any) -> None:
    for decode in (decode_insert, decode_update):
        assert fate(decode, json.dumps([sent]).encode()).startswith(("taken", "records[0]"))


# ---- ids -----------------------------------------------------------------------------------------


@given(st.from_regex(r"[0-9A-Za-z]{4}", fullmatch=True), st.integers(0, 62**6 - 1), st.integers(0, 62**6 - 1))
def test_record_ids_are_read_back(tag: str, sheet_no: int, seq: int) -> None:
    text = record_id(tag, sheet_no, seq)
    assert len(text) == len("us_rc_") + 16
    assert parse_record_id(text) == (tag, sheet_no, seq)


def test_record_ids_sort_as_their_numbers() -> None:
    ids = [record_id("tagA", 7, seq) for seq in (0, 9, 10, 35, 36, 61, 62, 62**6 - 1)]
    assert ids == sorted(ids)
    assert ids[0] == "us_rc_tagA000007000000"


@pytest.mark.parametrize("numbers", [(-1, 0), (0, -1), (62**6, 0), (0, 62**6)])
def test_numbers_six_digits_cannot_hold_make_no_id(numbers: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="record numbers"):
        record_id("tagA", *numbers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "us_rc_",
        ID[:-1],
        ID + "0",
        ID + "\n",
        "us_sh" + ID[5:],
        ID.replace("t", "é"),
        ID.replace("1", "\N{ARABIC-INDIC DIGIT ONE}"),
        "x" + ID,
    ],
)
def test_other_texts_are_no_record_ids(text: str) -> None:
    assert parse_record_id(text) is None
