"""Every option of a sheet's configuration, taken from the API description: accepted, and returned as sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from sheetport.features.actions import schemas as actions
from sheetport.features.sheets import schemas
from sheetport.features.sheets.schemas import constraints, fields, sheet
from sheetport.kernel.errors import Invalid

DOCUMENT = json.loads((Path(__file__).parents[3] / "data" / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
FREE_JSON = {"a": [1, None, {"b": "é"}], "n": None}
SCALARS = ("x", 1, 1.5, True)
CHOICE_OPTIONS = {"EnumPropertyOption", "InputEnumPropertyOption"}


class Object:
    """An object schema with its ``allOf`` parts merged."""

    def __init__(self, schema: dict[str, Any], name: str) -> None:
        self.name, self.required = name, list(schema.get("required", ()))
        self.properties = dict(schema.get("properties", {}))
        for part in map(resolve, schema.get("allOf", ())):
            inner = Object(part[0], part[1])
            self.properties |= inner.properties
            self.required += inner.required
        if name in CHOICE_OPTIONS:
            self.required.append("value")


def resolve(schema: dict[str, Any], name: str = "") -> tuple[dict[str, Any], str]:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = SCHEMAS[name]
    return schema, name


def samples(schema: dict[str, Any], owner: str = "", key: str = "") -> list[Any]:
    """Values that together use every option of ``schema``, never null."""
    schema, name = resolve(schema)
    if schema.get("enum") or "const" in schema:
        return schema.get("enum") or [schema["const"]]
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return [value for branch in schema[union] if branch != {"type": "null"} for value in samples(branch)]
    if not schema:
        return list(SCALARS) if owner in CHOICE_OPTIONS and key == "value" else [FREE_JSON, [None], "text", False]
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "array":
        return [[], *([item] for item in samples(schema["items"]))]
    if kind == "object":
        return [FREE_JSON] if schema.get("additionalProperties") is True else object_samples(Object(schema, name))
    if schema.get("format") == "date-time":
        return ["2024-01-02T03:04:05.678Z"]
    return {"string": ["Größe 'x' %s {}"], "integer": [0, 7], "number": [1, 0.25], "boolean": [True, False]}[kind]


def object_samples(of: Object) -> list[dict[str, Any]]:
    each = {key: samples(schema, of.name, key) for key, schema in of.properties.items()}
    base = {key: each[key][0] for key in of.required}
    alone = [{**base, key: value} for key, values in each.items() for value in values]
    return [base, *alone, {**base, **{key: values[-1] for key, values in each.items()}}]


def schema_named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(of: Object) -> list[str]:
    return [key for key in of.properties if key not in of.required]


SHEETS = samples(schema_named("SheetConfig"))
FIELDS = samples(schema_named("Property"))


def test_samples_are_many_and_fit_the_api_description() -> None:
    check = Draft202012Validator({**schema_named("SheetConfig"), "components": DOCUMENT["components"]})
    assert len(SHEETS) > 1_000
    assert {field["type"] for field in FIELDS} == set(fields._CONFIG_DEFAULTS) | {"number", "date", "string-list"}
    for config in SHEETS[:: len(SHEETS) // 100]:
        check.validate(config)


def test_every_option_of_a_sheet_comes_back_equal() -> None:
    for config in SHEETS:
        assert schemas.parse_sheet_config(config) == config


def test_every_option_of_a_field_comes_back_equal() -> None:
    for field in FIELDS:
        assert schemas.parse_field(field) == field
        assert schemas.parse_fields([field]) == [field]


def test_every_option_of_an_action_comes_back_equal() -> None:
    for action in samples(schema_named("Action")):
        assert schemas.parse_actions([action]) == [action]
    for action in samples(schema_named("ApiActionConfig")):
        assert schemas.parse_action_config(action) == action
        assert schemas.parse_action_configs([action]) == [action]
    for changes in samples(schema_named("ActionUpdate")):
        assert schemas.parse_action_update(changes) == changes


def test_every_option_of_an_update_comes_back_equal() -> None:
    for update in samples(schema_named("SheetConfigOrUpdate")):
        assert schemas.parse_sheet_update(update) == update
    for patch in samples(schema_named("SheetUpdateRequest")):
        assert schemas.parse_sheet_patch(patch) == patch


def test_the_values_given_are_not_changed_in_place() -> None:
    config = {"name": "A", "slug": None, "fields": [{"key": "a", "label": None, "config": {}}]}
    before = json.dumps(config)
    schemas.parse_sheet_configs([config])
    assert json.dumps(config) == before


STRUCTS: list[tuple[str, Any]] = [
    *((name, getattr(sheet, name)) for name in ("SheetConfig", "SheetUpdateRequest", "RecordCounts", "Sheet")),
    ("FieldRecordCounts", sheet.FieldRecordCounts),
    *((name, getattr(actions, name)) for name in ("Action", "ActionUpdate", "ApiAction", "ApiActionConfig")),
    *((name, getattr(actions, name)) for name in ("ActionMessage", "InputForm", "InputField", "InputConfig")),
    *((name, getattr(actions, name)) for name in ("InputEnumPropertyOption", "InputConstraint", "Guide", "Guardrail")),
    *((f"{kind.title()}Property", getattr(fields, f"{kind.title()}Property")) for kind in ("string", "number", "enum")),
    *((name, getattr(fields, name)) for name in ("BooleanProperty", "DateProperty", "ReferenceProperty")),
    *((name, getattr(fields, name)) for name in ("ReferenceListProperty", "StringListProperty", "EnumListProperty")),
    *((name, getattr(fields, name)) for name in ("StringConfig", "NumberConfig", "BooleanPropertyConfig")),
    *((name, getattr(fields, name)) for name in ("EnumPropertyConfig", "EnumPropertyOption", "ReferenceFilter")),
    *((name, getattr(fields, name)) for name in ("ReferencePropertyConfig", "ReferenceListPropertyConfig")),
    *((name, getattr(constraints, name)) for name in ("RequiredConstraint", "RequiredConstraintConfig")),
    *((name, getattr(constraints, name)) for name in ("UniqueConstraint", "UniqueConstraintConfig")),
    *((name, getattr(constraints, name)) for name in ("ExternalConstraint", "StoredConstraint")),
    *((name, getattr(constraints, name)) for name in ("CompositeUniqueConstraint", "ExternalSheetConstraint")),
    ("CompositeUniqueConstraintConfig", constraints.CompositeUniqueConstraintConfig),
]


@pytest.mark.parametrize(("name", "struct"), STRUCTS, ids=[name for name, _ in STRUCTS])
def test_structs_have_the_members_of_the_api_description(name: str, struct: Any) -> None:
    of = Object(resolve(schema_named(name))[0], name)
    members = msgspec.structs.fields(struct)
    assert {member.encode_name for member in members} == set(of.properties)
    assert {member.encode_name for member in members if member.required} == set(of.required)


def test_an_update_of_a_sheet_also_takes_its_metadata_and_constraints() -> None:
    described = Object(SCHEMAS["SheetConfigOrUpdate"], "SheetConfigOrUpdate").properties
    members = {member.encode_name for member in msgspec.structs.fields(sheet.SheetConfigOrUpdate)}
    assert members == set(described) | {"constraints"}


@pytest.mark.parametrize("name", ["SheetConfig", "Property", "Action", "SheetConfigOrUpdate"])
def test_null_means_absent(name: str) -> None:
    parse = {
        "SheetConfig": schemas.parse_sheet_config,
        "Property": schemas.parse_field,
        "Action": lambda action: schemas.parse_actions([action])[0],
        "SheetConfigOrUpdate": schemas.parse_sheet_update,
    }[name]
    described, _ = resolve(schema_named(name))
    for branch in described.get("oneOf", [described]):
        of = Object(branch, name)
        full = object_samples(of)[-1]
        for key in nullable(of):
            assert parse({**full, key: None}) == {other: full[other] for other in full if other != key}


def test_null_inside_free_json_is_kept() -> None:
    sent = {"name": "A", "fields": [{"key": "a", "type": "string", "metadata": FREE_JSON}], "metadata": FREE_JSON}
    assert schemas.parse_sheet_config(sent) == sent


def test_members_of_newer_clients_survive_unchecked() -> None:
    sent = {
        "name": "A",
        "shiny": {"new": [None]},
        "fields": [{"key": "a", "type": "date", "config": {"format": "iso"}, "later": None}],
        "actions": [{"label": "Go", "colour": 7}],
    }
    assert schemas.parse_sheet_config(sent) == sent


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"key": "a"}, {"key": "a", "type": "string"}),
        ({"key": "a", "type": None}, {"key": "a", "type": "string"}),
        ({"key": "a", "config": {}}, {"key": "a", "type": "string", "config": {"size": "normal"}}),
        (
            {"key": "a", "type": "boolean", "config": {}},
            {"key": "a", "type": "boolean", "config": {"allowIndeterminate": False}},
        ),
        ({"key": "a", "type": "enum"}, {"key": "a", "type": "enum", "config": {"options": []}}),
        (
            {"key": "a", "type": "enum-list", "config": {"options": None, "allowCustom": True}},
            {"key": "a", "type": "enum-list", "config": {"options": [], "allowCustom": True}},
        ),
        (
            {"key": "a", "type": "reference", "config": {"ref": "b"}},
            {"key": "a", "type": "reference", "config": {"ref": "b", "key": "id"}},
        ),
    ],
)
def test_defaults_of_a_field(sent: dict[str, Any], stored: dict[str, Any]) -> None:
    assert schemas.parse_field(sent) == stored
    assert schemas.parse_sheet_config({"name": "A", "fields": [sent]})["fields"] == [stored]


def wrong_values(schema: dict[str, Any], value: Any, path: str) -> list[tuple[str, Any]]:
    """(path, wrong value) for each typed place of ``value``, a sample of ``schema``."""
    schema, name = resolve(schema)
    branches = [b for b in schema.get("anyOf", []) if b != {"type": "null"}]
    if branches and len(branches) == 1:
        return wrong_values(branches[0], value, path)
    if "oneOf" in schema:
        tag = value["type"]
        chosen = next(b for b in schema["oneOf"] if Object(b, name).properties["type"].get("const") == tag)
        return wrong_values(chosen, value, path)
    found: list[tuple[str, Any]] = []
    kinds = schema.get("type", "object" if "allOf" in schema else "any")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if path and kind != "any":
        found.append((path, 5 if kind == "string" else "five"))
    if kind == "array" and value:
        found += wrong_values(schema["items"], value[0], f"{path}[0]")
    if kind == "object" and schema.get("additionalProperties") is not True:
        for key, member in Object(schema, name).properties.items():
            if key in value:
                found += wrong_values(member, value[key], f"{path}.{key}" if path else key)
    return found


def placed(value: Any, path: str, wrong: Any) -> Any:
    """A copy of ``value`` with ``wrong`` at ``path``."""
    copy = json.loads(json.dumps(value))
    at, steps = copy, path.replace("[", ".[").split(".")
    for step in steps[:-1]:
        at = at[int(step[1:-1])] if step.startswith("[") else at[step]
    last = steps[-1]
    at[int(last[1:-1]) if last.startswith("[") else last] = wrong
    return copy


def test_a_value_of_the_wrong_type_is_named_by_its_path() -> None:
    full = object_samples(Object(SCHEMAS["SheetConfig"], "SheetConfig"))[-1]
    tried = 0
    for field in FIELDS[:: max(1, len(FIELDS) // 60)]:
        config = {**full, "fields": [{"key": "first", "type": "date"}, {**field, "key": "second"}]}
        for path, wrong in wrong_values(schema_named("SheetConfig"), {**config, "fields": config["fields"][1:]}, ""):
            place = path.replace("fields[0]", "fields[1]", 1) if path.startswith("fields[0]") else path
            with pytest.raises(Invalid) as refused:
                schemas.parse_sheet_config(placed(config, place, wrong), "sheets[3]")
            assert refused.value.key == f"sheets[3].{place}"
            assert refused.value.key in refused.value.message
            tried += 1
    assert tried > 1_000


def refusal(parse: Any, *given: Any) -> tuple[str, str]:
    with pytest.raises(Invalid) as refused:
        parse(*given)
    return refused.value.key, refused.value.message


def field_refusal(field: Any) -> tuple[str, str]:
    return refusal(schemas.parse_sheet_config, {"name": "A", "fields": [field]}, "sheets[0]")


def test_an_unknown_field_type_lists_the_types() -> None:
    key, message = field_refusal({"key": "a", "type": "money"})
    assert key == "sheets[0].fields[0].type"
    assert "'money'" in message
    for kind in (
        "string",
        "string-list",
        "number",
        "boolean",
        "date",
        "enum",
        "enum-list",
        "reference",
        "reference-list",
    ):
        assert kind in message
    assert field_refusal({"key": "a", "type": 7})[1].endswith(message.partition("use one of ")[2])


@pytest.mark.parametrize(
    ("field", "key", "says"),
    [
        ({"type": "number"}, "key", "is required"),
        ({"key": ""}, "key", "length >= 1"),
        ({"key": "a\0b"}, "key", "NUL"),
        ({"key": "a", "type": "reference"}, "config", "is required"),
        ({"key": "a", "type": "reference", "config": {"key": "b"}}, "config.ref", "is required"),
        ({"key": "a", "type": "reference-list", "config": {"ref": ""}}, "config.ref", "length >= 1"),
        (
            {"key": "a", "type": "enum", "config": {"options": [{"value": 1}, {}]}},
            "config.options[1].value",
            "required",
        ),
        ({"key": "a", "type": "enum", "config": {"options": [{"value": []}]}}, "config.options[0].value", "text"),
        ({"key": "a", "config": {"size": "huge"}}, "config.size", "tiny"),
        ({"key": "a", "appearance": {"size": "xxl"}}, "appearance.size", "xl"),
        ({"key": "a", "constraints": [{"type": "odd"}]}, "constraints[0].type", "required, unique, computed"),
        ({"key": "a", "constraints": [{}]}, "constraints[0].type", "is required (one of required"),
        ({"key": "a", "constraints": [{"type": "stored"}]}, "constraints[0].validator", "is required"),
        ({"key": "a", "constraints": [{"type": "computed"}] * 11}, "constraints", "at most 10 constraints"),
        (
            {"key": "a", "constraints": [{"type": "external", "validator": "v"}, {"type": "stored", "validator": "v"}]},
            "constraints[1].validator",
            "named twice",
        ),
        ({"key": "a", "actions": [{"operation": "x"}]}, "actions[0].label", "is required"),
        ({"key": "a", "metadata": {"n": [{"m": "\0"}]}}, "metadata.n[0].m", "NUL"),
    ],
)
def test_bad_fields(field: Any, key: str, says: str) -> None:
    found, message = field_refusal(field)
    assert found == f"sheets[0].fields[0].{key}"
    assert says in message


def test_ten_constraints_are_accepted() -> None:
    field = {"key": "a", "type": "string", "constraints": [{"type": "computed"}] * 10}
    assert schemas.parse_field(field) == field


def test_field_keys_differ_by_more_than_case() -> None:
    sent = {"name": "A", "fields": [{"key": "Code"}, {"key": "b"}, {"key": "cODE"}]}
    key, message = refusal(schemas.parse_sheet_config, sent)
    assert key == "fields[2].key"
    assert "'Code'" in message
    assert refusal(schemas.parse_field, {"key": "CODE"}, "", ["x", "code"])[0] == "key"
    assert refusal(schemas.parse_sheet_update, {"fields": sent["fields"]}, "sheets[1]")[0] == "sheets[1].fields[2].key"
    assert refusal(schemas.parse_sheet_update, {"config": sent})[0] == "config.fields[2].key"


@pytest.mark.parametrize(("threshold", "allowed"), [(0, False), (-1, False), (1.01, False), (0.01, True), (1, True)])
def test_mapping_confidence_threshold_is_above_0_and_at_most_1(threshold: float, allowed: bool) -> None:
    sent = {"name": "A", "fields": [], "mappingConfidenceThreshold": threshold}
    if allowed:
        assert schemas.parse_sheet_config(sent) == sent
    else:
        assert refusal(schemas.parse_sheet_config, sent)[0] == "mappingConfidenceThreshold"


@pytest.mark.parametrize("sent", [None, [], "sheet", 7])
def test_a_sheet_is_an_object(sent: Any) -> None:
    assert refusal(schemas.parse_sheet_config, sent, "sheets[2]")[0] == "sheets[2]"
    assert refusal(schemas.parse_sheet_config, sent)[0] == "general"
    assert refusal(schemas.parse_sheet_configs, sent if sent != [] else {})[0] == "sheets"


def test_absurdly_deep_json_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    assert "64 levels" in refusal(schemas.parse_sheet_config, {"name": "A", "fields": [], "metadata": deep})[1]


def test_slugs_are_unique_in_a_workbook() -> None:
    sheets = [{"name": "A", "slug": "a", "fields": []}, {"name": "B", "slug": "a", "fields": []}]
    key, message = refusal(schemas.parse_sheet_configs, sheets)
    assert key == "sheets[1].slug"
    assert "'a'" in message
    assert refusal(schemas.parse_sheet_configs, sheets[:1], "sheets", ["a"])[0] == "sheets[0].slug"


def test_a_sheet_without_slug_gets_one_of_its_name_that_nobody_has() -> None:
    sheets = [{"name": "First Aid", "fields": []}, {"name": "first  aid!", "fields": []}]
    sheets.append({"name": "Other", "slug": "first-aid", "fields": []})
    made = schemas.parse_sheet_configs(sheets, "sheets", ["first-aid-3"])
    assert [sheet["slug"] for sheet in made] == ["first-aid-2", "first-aid-4", "first-aid"]


@pytest.mark.parametrize(
    ("name", "slug"), [("Übersicht 2024", "ubersicht-2024"), ("--a--", "a"), ("顧客", "sheet"), ("A/B.c", "a-b-c")]
)
def test_slug_of_a_name(name: str, slug: str) -> None:
    assert schemas.slug_of(name) == slug


def test_wire_shape_of_a_sheet() -> None:
    config = schemas.parse_sheet_config({"name": "A", "fields": [{"key": "a"}]})
    made = schemas.Sheet(
        id="us_sh_1", workbook_id="us_wb_1", name="A", slug="a", config=config, updated_at="u", created_at="c"
    )
    assert json.loads(msgspec.json.encode(made)) == {
        "id": "us_sh_1",
        "workbookId": "us_wb_1",
        "name": "A",
        "slug": "a",
        "config": {"name": "A", "fields": [{"key": "a", "type": "string"}]},
        "updatedAt": "u",
        "createdAt": "c",
    }
