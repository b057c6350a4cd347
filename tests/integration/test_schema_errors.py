"""The table of errors: what its views put there, once each."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.query.request import QueryScope
from api.questions.error_groups import plan_error_groups
from api.questions.error_rates import ErrorsRequest
from seamark.service.clickhouse.quoting import parameter
from seamark.wire.dimensions import EVENT_DIMENSIONS
from seamark.wire.envelope import Sender
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal, input_table
from tests.support.archive_stack import migrate
from tests.support.otlp_values import attributes
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope, events_envelope
from tests.support.store_server import StoreServer

pytestmark = pytest.mark.integration
NS, DAY_NS = 1_000_000, 86_400 * 10**9
RECEIVED_MS = RECEIVED_NS // NS
SIGNALS = (Signal.EVENTS, Signal.TRACES, Signal.LOGS)
STORED = {"event": 4, "span": 4, "log": 1}
"""Rows of errors that one block of each signal makes."""
COUNTED = {"Named": 1, "": 2, "Twice": 2, "Late": 1, "Early": 1, "Logged": 1}
"""How often each type is counted then, when asked with the usual names."""


def body_of(signal: Signal) -> bytes:
    if signal is Signal.EVENTS:
        return msgspec.json.encode(
            [
                {"ts": RECEIVED_MS, "name": "page_view", "attrs": {"page": "/"}},
                {"ts": RECEIVED_MS, "name": "crash", "attrs": {"exception.type": "Named"}},
                {"ts": RECEIVED_MS, "name": "exception", "id": "a"},
                {"ts": RECEIVED_MS, "name": "error", "attrs": {"exception.message": "no type"}},
                # is there, but counts only for who asks for it by its name
                {"ts": RECEIVED_MS, "name": "crash", "attrs": {"exception.type": ""}},
            ]
        )
    if signal is Signal.LOGS:
        logs = ExportLogsServiceRequest()
        records = logs.resource_logs.add().scope_logs.add().log_records
        records.add(time_unix_nano=RECEIVED_NS, attributes=attributes({"exception.type": "Logged"}))
        records.add(
            time_unix_nano=RECEIVED_NS, attributes=attributes({"exception.message": "none"})
        )
        return logs.SerializeToString()
    traces = ExportTraceServiceRequest()
    spans = traces.resource_spans.add().scope_spans.add().spans
    for number, (start_ns, kinds) in enumerate(
        ((0, ["Twice", "Twice"]), (-3 * DAY_NS, ["Late"]), (DAY_NS // 24, ["Early"]), (0, [])), 1
    ):
        span = spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            start_time_unix_nano=RECEIVED_NS + start_ns,
        )
        span.events.add(name="retry", attributes=attributes({"exception.type": "NotOne"}))
        for kind in kinds:
            span.events.add(name="exception", attributes=attributes({"exception.type": kind}))
    return traces.SerializeToString()


def insert(store: StoreServer, number: int) -> None:
    """Block `number` of each signal: always the same bytes under the same token."""
    for signal in SIGNALS:
        sent = envelope(signal, body_of(signal), receipt=f"018f0000-0000-7000-8000-{number:012d}")
        answer = store.insert(
            f"INSERT INTO seamark.{input_table(signal)} FORMAT Protobuf",
            zstandard.compress(sent),
            encoding="zstd",
            insert_deduplication_token=f"{signal}-{number}",
            **INSERT_SETTINGS,
        )
        assert answer.status == 200, answer.body


def stored(store: StoreServer) -> dict[str, int]:
    rows = store.rows("SELECT source, count() FROM seamark.errors GROUP BY source")
    return {source: int(count) for source, count in rows}


def counted(store: StoreServer, names: Sequence[str] = ("exception", "error")) -> dict[str, int]:
    """Occurrences by type, as the question has them."""
    request = ErrorsRequest(names=list(names), from_="now-4d")
    until_ms = RECEIVED_MS + 2 * DAY_NS // NS // 24
    within = QueryScope(org="acme", app="", now_ms=until_ms, search_days=30, minute_days=30)
    made = plan_error_groups(request, within).statement
    given = {f"param_{name}": parameter(value) for name, value in made.values.items()}
    rows = store.rows(made.sql, database="seamark", **given)
    found: dict[str, int] = {}
    for row in rows:
        found[row[3]] = found.get(row[3], 0) + int(row[6])
    return found


def times(how_often: int, counts: dict[str, int]) -> dict[str, int]:
    return {name: how_often * count for name, count in counts.items()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreServer]:
    with StoreServer(tmp_path / "data", fsync="false") as store:
        migrate(store)
        yield store


def test_a_block_that_is_sent_again_adds_nothing(store: StoreServer) -> None:
    insert(store, 1)
    assert stored(store) == STORED
    assert counted(store) == COUNTED
    assert counted(store, []) == {kind: count for kind, count in COUNTED.items() if kind}
    assert counted(store, ["crash", "exception"])[""] == 2
    for number in (1, 2):
        insert(store, number)
    assert store.stop() == 0
    store.start()
    for number in (1, 2):
        insert(store, number)
    assert stored(store) == times(2, STORED)
    assert counted(store) == times(2, COUNTED)


def test_dimensions_are_those_of_the_rollups() -> None:
    store = EngineStore().migrated()
    rng = random.Random(7)
    sources = [source.partition(".") for of in EVENT_DIMENSIONS.values() for source in of]
    events = []
    for number in range(300):
        event = {"ts": RECEIVED_MS, "name": "exception", "value": number, "attrs": {}, "device": {}}
        for place, _, key in sources:
            if place != "envelope" and rng.random() < 0.4:
                event[place][key] = f"{place}-{number}" if rng.random() < 0.9 else ""  # type: ignore[index]
        event["attrs"]["number"] = str(number)  # type: ignore[index]
        events.append(event)
    device = Sender(
        org="acme", app="shop", country="US", device="phone", browser="Firefox", os="Linux"
    )
    for sender, some in ((None, events[:150]), (device, events[150:])):
        store.insert(Signal.EVENTS, [events_envelope(some, sender=sender)])

    def dims(table: str) -> list[bytes]:
        return store.lines(
            f"SELECT CAST(arraySort(CAST(dims, 'Array(Tuple(String, String))')), 'String') AS d"
            f" FROM {store.database}.{table} GROUP BY d ORDER BY d"
        )

    assert dims("errors") == dims("events_1m")
    assert len(dims("errors")) > 200
    columns = "countIf(release != dims['release']), countIf(kind != dims['error']), count()"
    assert store.lines(f"SELECT {columns} FROM {store.database}.errors") == [b"0\t0\t300"]
