"""How a workbook's update meets its sheets, and what becomes of their slots."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheetport.features.sheets.model import Sheet, with_slots
from sheetport.features.workbooks.model import match_sheets
from sheetport.kernel.errors import Invalid

FIELDS: list[dict[str, Any]] = [{"key": "a", "type": "string"}]


def _sheet(slug: str, **config: Any) -> Sheet:
    whole = {"name": slug.title(), "slug": slug, "fields": FIELDS, **config}
    return Sheet("us_env_1", f"us_sh_{slug}", "us_acc_1", "us_sp_1", "us_wb_1", 1, 0, whole["name"], slug, whole, 0, 0)


ONE, TWO = _sheet("one", readonly=True), _sheet("two")


def test_flat_members_change_what_they_name() -> None:
    ((sheet, config, namespace),), added = match_sheets(
        [ONE, TWO], [{"slug": "one", "name": "New", "namespace": "red"}]
    )
    assert (sheet, config, namespace, added) == (ONE, {**ONE.config, "name": "New"}, "red", [])


def test_a_config_replaces_all_but_the_slug() -> None:
    whole = {"name": "New", "fields": []}
    ((sheet, config, _),), _ = match_sheets([ONE, TWO], [{"id": ONE.id, "config": whole}])
    assert (sheet, config) == (ONE, {**whole, "slug": "one"})


def test_slugs_may_be_exchanged() -> None:
    changed, _ = match_sheets([ONE, TWO], [{"id": ONE.id, "slug": "two"}, {"id": TWO.id, "slug": "one"}])
    assert [config["slug"] for _, config, _ in changed] == ["two", "one"]


def test_what_matches_nothing_is_added_with_a_free_slug() -> None:
    _, added = match_sheets([ONE, TWO], [{"name": "One", "fields": FIELDS}, {"config": {"name": "One", "fields": []}}])
    assert [config["slug"] for config in added] == ["one-2", "one-3"]


@pytest.mark.parametrize(
    ("updates", "key"),
    [
        ([{"id": "us_sh_absent"}], "sheets[0].id"),
        ([{"slug": "one"}, {"name": "no fields"}], "sheets[1]"),
        ([{"slug": "one"}, {"id": ONE.id}], "sheets[1]"),
        ([{"id": ONE.id, "slug": "two"}], "sheets"),
        ([{"name": "x", "slug": "new", "fields": []}, {"name": "y", "slug": "new", "fields": []}], "sheets[1].slug"),
    ],
)
def test_what_cannot_be_met_is_refused_by_its_path(updates: list[dict[str, Any]], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        match_sheets([ONE, TWO], updates)
    assert refused.value.key == key


KEYS = st.lists(st.sampled_from("abcdef"), unique=True)


@given(st.lists(KEYS, max_size=8))
def test_a_slot_belongs_to_one_field_for_ever(steps: list[list[str]]) -> None:
    slots: dict[str, int] = {}
    next_slot, seen = 0, set[int]()
    for keys in steps:
        before = slots
        slots, next_slot = with_slots(slots, next_slot, [{"key": key} for key in keys])
        fresh = [slots[key] for key in keys if key not in before]
        assert {key: before[key] for key in keys if key in before}.items() <= slots.items()
        assert not seen & set(fresh)
        seen |= set(fresh)
        assert sorted(slots) == sorted(keys)
        assert next_slot == len(seen)
