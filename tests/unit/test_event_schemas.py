"""Schemas at ingest: events that are not what the schema of their type says."""

import json
from typing import Any

import msgspec
import pytest

from collector.admission.event_schemas import EventSchemas
from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import ValidatedBatch, Window, dead_letters, validate
from collector.admission.redaction.rules import UNTOUCHED, Redactor
from collector.ingest.schemas_of_apps import SchemasOfApps
from seamark.service.registry import AppRecord, SchemaRecord
from seamark.service.registry.json_schemas import InvalidSchema, compiled_schema
from seamark.service.registry.names import schema_key
from seamark.service.registry.records import SchemaMode, SchemaVersion, read_record, record_key
from seamark.wire.privacy import Redaction, RedactionRule

SCHEMA = {
    "type": "object",
    "properties": {
        "attrs": {"type": "object", "properties": {"a/b": {"type": "number"}}, "required": ["a/b"]}
    },
    "required": ["attrs"],
}


def _record(schema: object = SCHEMA, mode: SchemaMode = "enforce") -> SchemaRecord:
    version = SchemaVersion(version=3, schema=json.dumps(schema))
    return SchemaRecord(org="o", app="a", event_type="paid", mode=mode, versions=(version,))


def _validated(
    events: list[dict[str, Any]], record: SchemaRecord, redactor: Redactor = UNTOUCHED
) -> tuple[ValidatedBatch, EventSchemas, list[Any]]:
    schemas = EventSchemas({"paid": record})
    batch = decode(json.dumps({"events": events}).encode())
    validated = validate(
        batch, window=Window(), names=EventNames(), redactor=redactor, schemas=schemas
    )
    return validated, schemas, list(dead_letters(batch, validated, redactor))


def _event(**attrs: Any) -> dict[str, Any]:
    return {"ts": 1, "name": "paid", "attrs": attrs}


GOOD, BAD, OTHER = _event(**{"a/b": 1}), _event(**{"a/b": "x"}), {"ts": 1, "name": "other"}


def test_a_violation_is_a_dead_letter_with_the_place_that_failed() -> None:
    invalid = {"ts": 1, "name": "not a name"}
    validated, _, letters = _validated([GOOD, invalid, BAD, OTHER], _record())
    assert [event.name for event in validated.events] == ["paid", "other"]
    assert (validated.outcome.offered, validated.outcome.accepted) == (4, 2)
    assert validated.outcome.rejected == {"invalid_name": 1, "schema_violation": 1}
    assert [(each.index, each.reason) for each in letters] == [
        (1, "invalid_name"),
        (2, "schema_violation"),
    ]
    assert letters[1].field == "attrs.a/b"
    assert 'is not of type "number", at /attrs/a~1b; version 3 of the' in letters[1].message
    assert json.loads(letters[1].original) == BAD


def test_a_violation_is_let_through_and_counted_with_warn_and_not_looked_at_with_off() -> None:
    validated, schemas, _ = _validated([BAD, GOOD], _record(mode="warn"))
    assert validated.outcome.accepted == 2
    assert (schemas.taken_warnings(), schemas.taken_warnings()) == ({"paid": 1}, {})
    validated, schemas, _ = _validated([BAD, GOOD], _record(mode="off"))
    assert (validated.outcome.accepted, schemas.warned) == (2, {})


def test_the_event_is_looked_at_as_it_is_stored() -> None:
    """After redaction, without nulls, without what Seamark adds."""
    rule = RedactionRule(name="r", action="mask", keys=("mail",))
    redactor = Redactor(Redaction(rules=(rule,)), salt="5a")
    schema = {
        "properties": {
            "attrs": {"properties": {"mail": {"const": "[redacted]"}}, "maxProperties": 2}
        },
        "propertyNames": {"enum": ["ts", "name", "attrs"]},
    }
    event = _event(mail="ada@example.com", n=1, gone=None)
    validated, _, _ = _validated([event], _record(schema), redactor)
    assert validated.outcome.accepted == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "text"},
        {"pattern": "("},
        {"pattern": "(?=a)b"},
        {"$ref": "http://127.0.0.1:1/x"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/$defs/none"},
    ],
)
def test_what_cannot_be_used_is_no_schema(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchema):
        compiled_schema(schema)


def test_a_pattern_takes_time_in_proportion_to_the_text() -> None:
    validator = compiled_schema({"pattern": "^(a+)+$"})
    assert not validator.is_valid("a" * 200_000 + "b")


def test_a_record_lies_under_a_key_that_its_event_type_cannot_leave() -> None:
    assert schema_key("o", "a", "a.b:c/*d"[:5]) == "schema.o.a.a=2Eb=3Ac"
    for wrong in ("a b", "*", ">", "", "x" * 129, "a\n"):
        with pytest.raises(ValueError, match="no name of events"):
            schema_key("o", "a", wrong)
    record = _record()
    assert read_record(record_key(record), msgspec.json.encode(record)) == record


def test_schemas_are_compiled_once_for_each_change() -> None:
    known, app = SchemasOfApps(), AppRecord(org="o", app="a")
    records = {("o", "a"): {"paid": _record()}}
    first = known.of(app, records)
    assert first is not None
    assert known.of(app, records) is first
    assert known.of(app, {("o", "a"): {"paid": _record()}}) is not first
    assert known.of(app, {}) is None
