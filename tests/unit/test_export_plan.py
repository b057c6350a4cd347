"""What an export reads and what it is refused for, without reading anything."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.query.decode import from_json
from api.query.export import (
    FILTERED,
    TABLES,
    ExportRequest,
    KeptRow,
    choose_source,
    plan_export,
    plan_keeping,
)
from api.query.export_columns import COLUMNS, NESTED, names, shown
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected
from seamark.wire.signals import Signal
from tests.support.schema_tables import tables

NOW = 1_795_343_040_123
DAY = 86_400_000
PLACEHOLDER = re.compile(r"\{(\w+):\w+\}")


def asked(**fields: Any) -> ExportRequest:
    body = {"signal": "events", "from": "now-1h", **fields}
    return from_json(msgspec.json.encode(body), ExportRequest)


def plan(org: str = "acme", app: str = "", **fields: Any) -> Any:
    return plan_export(asked(**fields), org=org, app=app, now_ms=NOW)


@pytest.mark.parametrize("signal", [signal.value for signal in Signal])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_whatever_was_written_is_apart_from_the_statements(signal: str, form: str) -> None:
    hostile = "x') OR 1=1 --\\"
    made = plan(
        org=hostile, app=hostile, signal=signal, format=form,
        filters=[{"key": hostile, "op": "=~", "value": hostile}],
    )  # fmt: skip
    for statement in (made.rows, made.counts, made.files, plan_keeping(Signal(signal))):
        assert "1=1" not in statement.sql
        named = set(PLACEHOLDER.findall(statement.sql)) - {"since", "until", "most", "width"}
        assert named == set(statement.values)
    for statement in (made.rows, made.counts):
        assert statement.sql.count("org = {p0:String} AND app = {p0:String}") == 1


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"columns": ["name", "org"]}, QuestionReason.INVALID_FIELD, "columns[1]"),
        ({"columns": ["name", "name"]}, QuestionReason.INVALID_FIELD, "columns[1]"),
        ({"columns": ["name FROM system.one"]}, QuestionReason.INVALID_FIELD, "columns[0]"),
        ({"columns": []}, QuestionReason.INVALID_FIELD, "columns"),
        ({"signal": "ledger"}, QuestionReason.INVALID_FIELD, "signal"),
        ({"format": "xlsx"}, QuestionReason.INVALID_FIELD, "format"),
        ({"limit": 0}, QuestionReason.INVALID_FIELD, "limit"),
        ({"from": NOW, "to": NOW}, QuestionReason.INVALID_TIME, "from"),
        ({"filters": [{"key": "", "value": "x"}]}, QuestionReason.INVALID_FILTER, "filters[0].key"),
        (
            {"filters": [{"key": "a", "op": "in", "value": "x"}]},
            QuestionReason.INVALID_FILTER,
            "filters[0].value",
        ),
    ],
)
def test_what_is_wrong_is_named(fields: Any, reason: QuestionReason, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        plan(**fields)
    assert (caught.value.reason, caught.value.field) == (reason, field)


def kept(days: int | None = 30, *, archived_ms: int = NOW) -> KeptRow:
    ttl = f" TTL toDateTime(received_at) + toIntervalDay({days})" if days else ""
    return KeptRow(f"MergeTree ORDER BY time{ttl} SETTINGS x = 1", archived_ms)


@pytest.mark.parametrize(
    ("source", "from_", "row", "chosen"),
    [
        ("auto", "now-29d", kept(), "store"),
        ("auto", "now-31d", kept(), "archive"),
        ("auto", "now-31d", kept(90), "store"),
        ("auto", "now-31d", kept(None), "store"),
        ("auto", "now-31d", kept(archived_ms=0), "store"),
        ("archive", "now-1h", kept(), "archive"),
        ("store", "now-31d", kept(), "store"),
    ],
)
def test_where_rows_are_read_from(source: str, from_: str, row: KeptRow, chosen: str) -> None:
    request = asked(**{"source": source, "from": from_})
    made = plan_export(request, org="acme", app="", now_ms=NOW)
    assert choose_source(request, made, row, NOW) == chosen


def test_an_archive_that_is_not_there_is_refused() -> None:
    request = asked(source="archive")
    made = plan_export(request, org="acme", app="", now_ms=NOW)
    with pytest.raises(Rejected, match="holds no events"):
        choose_source(request, made, kept(archived_ms=0), NOW)


@pytest.mark.parametrize("signal", list(Signal))
def test_every_column_of_the_raw_table_can_be_exported(signal: Signal) -> None:
    """All but `org`, which is the asker's own."""
    columns = tables()[TABLES[signal]][0]
    assert columns.keys() - {"org"} == set(names(signal))
    assert not set(COLUMNS[signal]) & set(NESTED.get(signal, {}))


def test_filters_name_columns_of_the_raw_tables() -> None:
    for signal, raw in FILTERED.items():
        assert raw.table == TABLES[signal]
        assert set(raw.columns) | set(raw.maps.values()) <= set(names(signal))


def test_only_text_in_csv_is_guarded() -> None:
    assert "match(" in shown(Signal.EVENTS, "name", "csv", guard=True)
    for name, form, guard in (
        ("name", "csv", False), ("name", "parquet", True), ("value", "csv", True),
    ):  # fmt: skip
        assert "match(" not in shown(Signal.EVENTS, name, form, guard=guard)  # type: ignore[arg-type]


def test_the_page_names_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    for signal in Signal:
        for name in names(signal):
            assert re.search(rf"\b{name}\b", page), (signal, name)
