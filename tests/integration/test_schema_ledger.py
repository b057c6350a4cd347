"""Ledger, receipts and dead letters on the engine."""

import re
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal
from tests.support.schema_store import RECEIVED_NS, EngineStore

pytestmark = pytest.mark.integration
RAW = {
    Signal.EVENTS: "events",
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "logs",
}


def body_of(signal: Signal, items: int) -> bytes:
    """A body of so many items."""
    match signal:
        case Signal.EVENTS:
            return msgspec.json.encode([{"ts": RECEIVED_NS // 10**6, "name": "a"}] * items)
        case Signal.TRACES:
            spans = [Span(name="a", start_time_unix_nano=RECEIVED_NS)] * items
            found = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
            return ExportTraceServiceRequest(resource_spans=[found]).SerializeToString()
        case Signal.METRICS:
            points = [NumberDataPoint(time_unix_nano=RECEIVED_NS, as_int=1)] * items
            metric = Metric(name="a", gauge=Gauge(data_points=points))
            scope = ScopeMetrics(metrics=[metric])
            request = ExportMetricsServiceRequest(
                resource_metrics=[ResourceMetrics(scope_metrics=[scope])]
            )
            return request.SerializeToString()
        case Signal.LOGS:
            records = [LogRecord(time_unix_nano=RECEIVED_NS)] * items
            logs = ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])
            return ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString()


def made(
    signal: Signal,
    outcome: Outcome,
    *,
    stored: int = 0,
    key: str = "k1",
    received_ns: int = RECEIVED_NS,
    receipt: int = 1,
    dead_letters: tuple[DeadLetter, ...] = (),
    sender: Sender | None = None,
    sent_ms: int | None = None,
) -> bytes:
    """One envelope of acme's shop: `stored` items, and whatever outcome it claims."""
    return encode_envelope(
        (sender or Sender(org="acme", app="shop", key_id=key)).encode(),
        receipt=f"018f0000-0000-7000-8000-{receipt:012d}",
        received_ns=received_ns,
        sent_ms=sent_ms,
        outcome=outcome,
        signal=signal,
        body=body_of(signal, stored) if stored else b"",
        dead_letters=dead_letters,
    )


def ledger(store: EngineStore, *by: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Sums of the ledger by these columns."""
    sums = ("requests", "offered", "accepted", "sampled", "limited", "duplicate", "dead_lettered")
    counted = ", ".join(
        f"sum({name}) AS {name}_" for name in (*sums, "stored", "archived", "dead_letters")
    )
    rows = store.records(
        f"SELECT {', '.join(by)}, {counted}, sumMap(rejected) AS rejected_, "
        f"sumMap(request_rejections) AS request_rejections_ FROM {store.database}.ledger "
        f"GROUP BY {', '.join(by)}"
    )
    return {
        tuple(row[name] for name in by): {
            name.removesuffix("_"): value for name, value in row.items() if name not in by
        }
        for row in rows
    }


@pytest.mark.parametrize("signal", Signal)
def test_rows_are_counted_by_their_key(signal: Signal) -> None:
    store = EngineStore().migrated()
    envelopes = [
        made(signal, Outcome(4, 2, {"a": 1}, sampled=1), stored=2),
        made(signal, Outcome(3, 3), stored=3, key="k2", receipt=2),
        made(signal, Outcome(5, 5, duplicate=5), key="k2", receipt=2),
        made(signal, Outcome(7, 7, dead_lettered=7), key="k3", receipt=3),
        made(
            signal,
            Outcome(0, 0, request_rejections={"rate_limited": 9, "missing_key": 1}),
            receipt=4,
        ),
    ]
    for _ in range(2):
        store.insert(signal, envelopes, token="one")

    rows = ledger(store, "key_id")
    counted = {
        key: (
            row["requests"],
            row["accepted"],
            row["stored"],
            row["duplicate"],
            row["dead_lettered"],
        )
        for (key,), row in rows.items()
    }
    assert counted == {"k1": (1, 2, 2, 0, 0), "k2": (2, 8, 3, 5, 0), "k3": (1, 7, 0, 0, 7)}
    assert rows[("k1",)]["request_rejections"] == {"rate_limited": 9, "missing_key": 1}
    assert rows[("k1",)]["rejected"] == {"a": 1}
    raw = store.rows(
        f"SELECT key_id, count() FROM {store.database}.{RAW[signal]} GROUP BY ALL ORDER BY ALL"
    )
    assert raw == [["k1", 2], ["k2", 3]]
    receipts = store.rows(
        "SELECT receipt, signal, key_id, offered, accepted, duplicate, dead_lettered, rejected "
        f"FROM {store.database}.receipts ORDER BY receipt, duplicate"
    )
    assert [[row[0][-1], *row[1:]] for row in receipts] == [
        ["1", signal.value, "k1", 4, 2, 0, 0, {"a": 1}],
        ["2", signal.value, "k2", 3, 3, 0, 0, {}],
        ["2", signal.value, "k2", 5, 5, 5, 0, {}],
        ["3", signal.value, "k3", 7, 7, 0, 7, {}],
    ]


@pytest.mark.parametrize("signal", Signal)
def test_a_request_in_several_envelopes_is_one_request(signal: Signal) -> None:
    store = EngineStore().migrated()
    for receipt in (1, 2):
        parts = [Outcome(3, 2, {"a": 1}), Outcome(2, 2, part=1), Outcome(4, 4, part=2)]
        sent = [made(signal, part, stored=part.accepted, receipt=receipt) for part in parts]
        store.insert(signal, sent[:2], token=f"{receipt} begins")
        store.insert(signal, sent[2:], token=f"{receipt} ends")

    (row,) = ledger(store, "org").values()
    assert (row["requests"], row["offered"], row["accepted"], row["stored"]) == (2, 18, 16, 16)
    receipts = store.rows(
        f"SELECT sum(offered) FROM {store.database}.receipts GROUP BY receipt ORDER BY receipt"
    )
    assert receipts == [[9], [9]]


@pytest.mark.parametrize("signal", Signal)
def test_dead_letters_are_kept_to_the_byte(signal: Signal) -> None:
    store = EngineStore().migrated()
    dead_letters = (
        DeadLetter(0, "invalid_name", "name", "too long", b'{"name":"\xc3\xa9"}', name="x"),
        DeadLetter(7, "malformed", "", "", b"\x00\xff\n\t"),
    )
    sender = Sender(
        org="acme", app="shop", key_id="k1", sdk_name="web", sdk_version="1.2", protocol="native"
    )
    envelope = made(
        signal, Outcome(2, 0, {"a": 2}), dead_letters=dead_letters, sender=sender, sent_ms=55
    )
    for _ in range(2):
        store.insert(signal, [envelope], token="one")

    rows = store.rows(
        "SELECT org, app, signal, toUnixTimestamp64Milli(received_at), index, reason, field, "
        "message, name, hex(original), key_id, sent_ms, sdk_name, sdk_version, protocol, receipt "
        f"FROM {store.database}.dead_letters ORDER BY index"
    )
    assert [row[4:10] for row in rows] == [
        [0, "invalid_name", "name", "too long", "x", dead_letters[0].original.hex().upper()],
        [7, "malformed", "", "", "", "00FF0A09"],
    ]
    for row in rows:
        assert row[:4] == ["acme", "shop", signal.value, RECEIVED_NS // 10**6]
        assert row[10:15] == ["k1", 55, "web", "1.2", "native"]
    ids = store.rows(f"SELECT uniqExact(dead_letter_id) FROM {store.database}.dead_letters")
    assert ids == [[2]]
    assert ledger(store, "org")[("acme",)]["dead_letters"] == 2


def test_a_dead_letter_has_one_name_wherever_it_is_stored() -> None:
    stores = [EngineStore().migrated() for _ in range(2)]
    dead_letter = DeadLetter(3, "invalid_name", "name", "", b"{}")
    sent = made(Signal.EVENTS, Outcome(1, 0, {"a": 1}), dead_letters=(dead_letter,))
    for number, store in enumerate(stores):
        store.insert(Signal.EVENTS, [sent], token=str(number))
    names = [
        store.rows(f"SELECT dead_letter_id FROM {store.database}.dead_letters") for store in stores
    ]
    assert names[0] == names[1]


def test_a_replayed_dead_letter_is_marked_by_the_block_that_holds_its_event() -> None:
    store = EngineStore().migrated()
    dead_letter = "ce8bae71-51d3-201e-c0ac-736767828282"
    events = [
        {"id": dead_letter, "name": "a", "ts": 1},
        {"id": "no dead_letter", "name": "a", "ts": 1},
    ]
    for key in ("replay", "k1"):
        sent = encode_envelope(
            Sender(org="acme", app="shop", key_id=key).encode(),
            receipt=f"018f0000-0000-7000-8000-00000000000{len(key)}",
            received_ns=RECEIVED_NS,
            sent_ms=None,
            outcome=Outcome(2, 2),
            signal=Signal.EVENTS,
            body=msgspec.json.encode(events),
        )
        for _ in range(2):
            store.insert(Signal.EVENTS, [sent], token=key)
    marked = store.rows(
        f"SELECT org, app, dead_letter_id, receipt FROM {store.database}.dead_letter_replays"
    )
    assert marked == [["acme", "shop", dead_letter, "018f0000-0000-7000-8000-000000000006"]]


def test_the_rows_of_a_receipt_are_found_in_few_granules() -> None:
    store = EngineStore().migrated()
    parts = 4
    for part in range(parts):
        first_ms = RECEIVED_NS // 10**6 + part * 2_000_000
        store.command(
            f"INSERT INTO {store.database}.events (org, app, receipt, received_at, time, name) "
            f"SELECT 'acme', 'shop', generateUUIDv7(), received, received, name FROM "
            f"(SELECT fromUnixTimestamp64Milli({first_ms} + number, 'UTC') AS received, "
            "['a', 'b', 'c'][number % 3 + 1] AS name FROM numbers(300000))"
        )
    wanted = RECEIVED_NS // 10**6 + 123_456
    plan = store.text(
        "EXPLAIN indexes = 1 SELECT count() FROM "
        f"{store.database}.events WHERE org = 'acme' AND app = 'shop' AND receipt = "
        "'018f0000-0000-7000-8000-000000000001' AND "
        f"received_at = fromUnixTimestamp64Milli({wanted}, 'UTC')"
    )
    granules = re.findall(r"Granules: (\d+)/(\d+)", plan)
    assert int(granules[0][1]) > 30
    assert int(granules[-1][0]) <= 6, plan  # one for each name, and where two names meet
