"""What an export shows of each signal: its columns, and how each is written in CSV and Parquet.

In Parquet, times are timestamps, attributes maps of text, lists lists. In CSV, times are ISO 8601
in UTC, attributes and lists JSON, each attribute of the type it was sent with. Ids are hexadecimal
text, spans' events and links and points' exemplars JSON text, in both.
"""

from collections.abc import Mapping
from typing import Final, Literal

from api.query.typed_attributes import MAPS, typed_attributes
from seamark.wire.signals import Signal

Form = Literal["csv", "parquet"]
Kind = Literal["text", "plain", "time", "uuid", "id", "trace_id", "map", "list"]
_FORMULA: Final = r"'^[=+@\\t\\r-]'"
"""How a cell begins that a spreadsheet would take for a formula.
Source: https://owasp.org/www-community/attacks/CSV_Injection"""


def _of(kind: Kind, names: str) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), kind)


_HEAD: Final = (
    _of("time", "time received_at") | _of("text", "app") | _of("uuid", "receipt")
    | _of("text", "key_id") | _of("plain", "weight")
)  # fmt: skip
_RESOURCE: Final = (
    _of("map", "attrs resource_attrs scope_attrs")
    | _of("text", "attr_types resource_attr_types scope_attr_types")
    | _of("text", "scope_name scope_version resource_schema_url scope_schema_url")
    | _of("plain", "flags resource_dropped_attrs scope_dropped_attrs")
)
COLUMNS: Final[Mapping[Signal, Mapping[str, Kind]]] = {
    Signal.EVENTS: _HEAD
    | _of("text", "event_id name")
    | _of("plain", "value")
    | _of("text", "unit session_id user_id ip_hash country browser browser_version os os_version")
    | _of("text", "device_type sdk_name sdk_version datacenter server_version")
    | _of("map", "attrs device")
    | _of("text", "attr_types device_types")
    | _of("time", "ts")
    | _of("plain", "time_flag skew_ms"),
    Signal.TRACES: _HEAD
    | _of("plain", "duration_ns duration_flag dropped_attrs dropped_events dropped_links")
    | _of("trace_id", "trace_id")
    | _of("id", "span_id parent_span_id")
    | _of("text", "trace_state name kind status status_message service")
    | _RESOURCE,
    Signal.LOGS: _HEAD
    | _of("time", "observed_time")
    | _of("plain", "severity_number dropped_attrs")
    | _of("text", "severity_text body event_name service")
    | _of("trace_id", "trace_id")
    | _of("id", "span_id")
    | _RESOURCE,
    Signal.METRICS: _HEAD
    | _of("time", "start_time")
    | _of("text", "type name description unit service temporality")
    | _of("plain", "series monotonic value value_int count sum min max scale zero_count")
    | _of("plain", "zero_threshold positive_offset negative_offset")
    | _of("list", "bounds bucket_counts positive_counts negative_counts quantiles quantile_values")
    | _of("map", "metadata")
    | _RESOURCE,
}
"""Name -> kind. The names are those of the raw tables."""
NESTED: Final[Mapping[Signal, Mapping[str, tuple[tuple[str, str], ...]]]] = {
    Signal.TRACES: {
        "events": (
            ("time", "DateTime64(9, \\'UTC\\')"), ("name", "String"),
            ("attrs", "Map(String, String)"), ("attr_types", "String"), ("dropped_attrs", "UInt32"),
        ),
        "links": (
            ("trace_id", "String"), ("span_id", "String"), ("trace_state", "String"),
            ("attrs", "Map(String, String)"), ("attr_types", "String"), ("dropped_attrs", "UInt32"),
            ("flags", "UInt32"),
        ),
    },
    Signal.METRICS: {
        "exemplars": (
            ("time", "DateTime64(9, \\'UTC\\')"), ("value", "Nullable(Float64)"),
            ("value_int", "Nullable(Int64)"), ("trace_id", "String"), ("span_id", "String"),
            ("attrs", "Map(String, String)"),
        ),
    },
}  # fmt: skip
"""Columns that are lists of records: their fields, and the fields' types."""


def names(signal: Signal) -> tuple[str, ...]:
    """All columns of a signal, in order."""
    return (*COLUMNS[signal], *NESTED.get(signal, {}))


def shown(signal: Signal, name: str, form: Form, *, guard: bool) -> str:
    """SQL of one column, of rows called `r`; its name must be one of `names`.

    `guard`: text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    nested = NESTED.get(signal, {}).get(name)
    if nested is not None:
        return f"{_records(name, nested)} AS `{name}`"
    kind, column = COLUMNS[signal][name], f"r.`{name}`"
    match kind:
        case "text":
            sql = f"CAST({column}, 'String')"
            if guard and form == "csv":
                sql = f"if(match({sql}, {_FORMULA}), concat('''', {sql}), {sql})"
        case "uuid":
            sql = f"toString({column})"
        case "id" | "trace_id":
            width = 8 if kind == "id" else 16
            sql = f"if({column} = toFixedString('', {width}), '', lower(hex({column})))"
        case "time" if form == "csv":
            sql = f"concat(replaceOne(toString({column}), ' ', 'T'), 'Z')"
        case "map" if form == "parquet":
            sql = f"CAST({column}, 'Map(String, String)')"
        case "map" if form == "csv" and name in MAPS:
            sql = typed_attributes(column, f"r.`{MAPS[name]}`")
        case "map" | "list" if form == "csv":
            sql = f"toJSONString({column})"
        case _:
            sql = column
    return f"{sql} AS `{name}`"


def _records(name: str, fields: tuple[tuple[str, str], ...]) -> str:
    """A JSON list of objects; ids in them are hexadecimal."""
    arrays = ", ".join(
        f"arrayMap(x -> lower(hex(x)), r.`{name}.{field}`)"
        if field.endswith("_id")
        else f"r.`{name}.{field}`"
        for field, _ in fields
    )
    kinds = ", ".join(f"{field} {kind}" for field, kind in fields)
    return f"toJSONString(CAST(arrayZip({arrays}), 'Array(Tuple({kinds}))'))"
