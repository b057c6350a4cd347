"""Log records as questions see them: their conditions, their columns, their ids.

An id is a hash of all that a record says. Records that are equal in everything have the same hash
and get `.2`, `.3` … behind it, so that each has an id of its own. Records are in order of (time,
id, number).
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from api.query.attributes import LOGS, attribute_column
from api.query.filters import Filter, conditions
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions, trace_id_condition
from api.query.statement import Values, fill
from api.query.timerange import TimeRange
from api.query.typed_attributes import TypedAttributes, as_answered, typed_attributes
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

SEVERITIES: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
"""Least severity number of each name.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_ID: Final = re.compile(r"([0-9a-f]{16})(?:\.([0-9]{1,6}))?\Z")


class LogSearch(Protocol):
    """Which records a question is about.

    `severity`: a name or number; records at least as severe. `contains`: text in the body, without
    regard to the case of A to Z. `filters`: attributes of the record or its resource.
    """

    @property
    def service(self) -> str: ...
    @property
    def severity(self) -> str | int: ...
    @property
    def contains(self) -> str: ...
    @property
    def filters(self) -> list[Filter]: ...
    @property
    def trace_id(self) -> str: ...


class LogRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of `record_columns`. Times are nanoseconds since the epoch; attributes JSON."""

    id: str
    time: str
    observed_time: str
    severity_number: int
    severity_text: str
    body: str
    event_name: str
    service: str
    trace_id: str
    span_id: str
    attributes: str
    resource_attributes: str
    scope_name: str
    app: str


class LogRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A log record. Times are nanoseconds since the epoch, as text."""

    id: str
    time: str
    observed_time: str
    severity_number: int
    severity_text: str
    body: str
    event_name: str
    service: str
    trace_id: str
    span_id: str
    attributes: TypedAttributes
    resource_attributes: TypedAttributes
    scope_name: str
    app: str


Row = TypeVar("Row", bound=LogRow)
_FIELDS: Final = LogRow.__struct_fields__


def record_columns() -> str:
    """SQL of the columns of a LogRow; `id` is the hash alone."""
    return fill(
        "log_record",
        attributes=typed_attributes("attrs", "attr_types"),
        resource_attributes=typed_attributes("resource_attrs", "resource_attr_types"),
    )


def record_of(row: LogRow) -> LogRecord:
    """A row as an answer shows it."""
    fields = {name: getattr(row, name) for name in _FIELDS}
    for name in ("attributes", "resource_attributes"):
        fields[name] = as_answered(fields[name])
    return LogRecord(**fields)


def numbered(rows: Sequence[Row], *, before: tuple[str, int] = ("", 0)) -> list[Row]:
    """Rows that are in order of (time, id), each with an id of its own. `before`: a hash, and how
    many records with it came before these."""
    copies = Counter({before[0]: before[1]})
    found = []
    for row in rows:
        copies[row.id] += 1
        found.append(msgspec.structs.replace(row, id=made_id(row.id, copies[row.id])))
    return found


def made_id(hash_: str, copy: int) -> str:
    """The id of the `copy`-th record with this hash, from 1."""
    return hash_ if copy == 1 else f"{hash_}.{copy}"


def read_id(text: str, field: str) -> tuple[str, int]:
    """Hash and number of an id. Raises Rejected (INVALID_FIELD)."""
    match = _ID.match(text)
    if match is None or match[2] in ("0", "1"):
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"{field} is not the id of a log record (16 hexadecimal digits; of a copy, a dot and "
            "its number); take it from the answer of a search.",
            field=field,
        )
    return match[1], int(match[2] or 1)


def severity_number(severity: str | int) -> int:
    """The least severity number asked for; 0 = any. Raises Rejected."""
    if isinstance(severity, int):
        if 0 <= severity <= 24:
            return severity
    else:
        name = severity.strip().upper()
        name = {"": "TRACE", "WARNING": "WARN", "CRITICAL": "FATAL"}.get(name, name)
        if name in SEVERITIES:
            return SEVERITIES[name] if severity else 0
        if name.isascii() and name.isdigit() and int(name[:3]) <= 24:
            return int(name)
    raise Rejected(
        QuestionReason.INVALID_FIELD,
        f"severity is one of {', '.join(SEVERITIES)}, or a number from 1 to 24.",
        field="severity",
    )


def log_conditions(
    search: LogSearch, values: Values, asked: TimeRange, org: str, app: str
) -> list[str]:
    """The conditions of a search on rows of `logs`. Raises Rejected."""
    where = [*scope_conditions(values, org, app), *raw_time_conditions(values, asked)]
    if search.service:
        where.append(f"service = {values.text(search.service)}")
    least = severity_number(search.severity)
    if least:
        where.append(f"severity_number >= {values.integer(least)}")
    if search.trace_id:
        where.append(trace_id_condition(values, search.trace_id, "traceId"))
    if search.contains:
        where.append(f"lower(body) LIKE {values.text(_pattern(search.contains))}")
    return where + conditions(search.filters, values, attribute_column(values, LOGS))


def _pattern(text: str) -> str:
    """LIKE pattern for a text in lower case: this form uses the index on the words of bodies."""
    lowered = "".join(c.lower() if c.isascii() else c for c in text)
    escaped = lowered.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
