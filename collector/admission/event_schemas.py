"""Which events of a batch are not what the schema of their type says. Pure.

What is looked at is the event as it is stored, after redaction, without the members that Seamark
adds to it. Schemas are compiled once for each change of an app's schemas.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from collector.admission.native.event import Event
from seamark.service.registry import SchemaRecord
from seamark.service.registry.json_schemas import InvalidSchema, compiled_schema
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

_OURS: Final = ("attrTypes", "deviceTypes", "timeFlag")
_MESSAGE_CHARS: Final = 300


class _Schema(NamedTuple):
    validator: Any
    version: int
    enforced: bool


class EventSchemas:
    """The schemas of one app. `warned`: violations that were let through, by event type."""

    def __init__(self, records: Mapping[str, SchemaRecord]) -> None:
        self.warned: dict[str, int] = {}
        self._schemas: dict[str, _Schema] = {}
        for event_type, record in records.items():
            if record.mode == "off":
                continue
            try:
                validator = compiled_schema(record.latest.schema)
            except InvalidSchema:  # of a newer version of Seamark: nothing is refused for it
                continue
            self._schemas[event_type] = _Schema(
                validator, record.latest.version, record.mode == "enforce"
            )

    def violations(self, events: Sequence[Event]) -> dict[int, Rejected]:
        """What is wrong with which events, by their places; those let through are counted."""
        schemas, found = self._schemas, {}
        for place, event in enumerate(events):
            schema = schemas.get(event.name)
            if schema is None:
                continue
            error = _violation(schema, event)
            if error is None:
                continue
            if schema.enforced:
                found[place] = error
            else:
                self.warned[event.name] = self.warned.get(event.name, 0) + 1
        return found

    def taken_warnings(self) -> dict[str, int]:
        """What was let through since this was last called."""
        taken, self.warned = self.warned, {}
        return taken


def _violation(schema: _Schema, event: Event) -> Rejected | None:
    document = msgspec.to_builtins(event)
    for member in _OURS:
        document.pop(member, None)
    if schema.validator.is_valid(document):
        return None
    error = next(iter(schema.validator.iter_errors(document)))
    path = [str(each) for each in error.instance_path]
    pointer = "".join(f"/{each.replace('~', '~0').replace('/', '~1')}" for each in path)
    return Rejected(
        Reason.SCHEMA,
        f"{error.message[:_MESSAGE_CHARS]}, at {pointer or 'the event itself'}; version "
        f"{schema.version} of the schema of {event.name} says so",
        field=".".join(path),
    )
