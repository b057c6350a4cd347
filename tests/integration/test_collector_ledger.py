"""What the collector leaves in a real log so that all can be accounted for.

Dead letters of what was rejected, counts of what was refused, events with ids where their ids
belong, and batches sent again.
"""

import gzip
import hashlib
import json
import re
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.receivers.otlp_kinds import TRACES
from seamark.wire.limits import BODY_BYTES, DEAD_LETTERS_BYTES
from seamark.wire.receipts import receipt_for_batch
from seamark.wire.signals import Signal, choose_partition
from tests.support.collector_process import (
    ADMIN_TOKEN,
    FENCED_KEY,
    KEY,
    PARTITIONS,
    ROUTE,
    Answered,
    CollectorProcess,
    batch,
    messages,
    prepare,
    stored,
)
from tests.support.servers import NatsServer, free_port

pytestmark = pytest.mark.integration
NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000
MEBIBYTE = 1024 * 1024
FRAMES = "Seamark-Frames"


def replay(collector: CollectorProcess, document: object, *, token: str) -> Answered:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return collector.request("POST", "/v1/ingest/replay", json.dumps(document).encode(), headers)


def test_rejected_events_are_kept_as_they_were_sent(
    collector: CollectorProcess, log: NatsServer
) -> None:
    bad = b'{"name" : "no good", "ts":1795316640000, "more": [1]}'
    answer = collector.send(b'{"events":[{"ts":1,"name":"a"}, %s, 7]}' % bad)

    assert (answer.json["accepted"], answer.json["rejected"]) == (1, 2)
    envelope = stored(log)[answer.json["receiptId"]]
    assert [(x.index, x.reason, x.field, x.name, x.original) for x in envelope.dead_letters] == [
        (1, "invalid_name", "name", "no good", bad),
        (2, "invalid_event", "", "", b"7"),
    ]
    for told, kept in zip(answer.json["errors"], envelope.dead_letters, strict=True):
        assert told["message"].endswith(kept.message)


def test_rejected_spans_are_kept(collector: CollectorProcess, log: NatsServer) -> None:
    spans = [
        {"traceId": "01" * 16, "spanId": "02" * 8, "name": "good"},
        {"traceId": "01" * 16, "spanId": "00" * 8, "name": "bad"},
    ]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    headers = {"Content-Type": "application/json", "X-API-Key": KEY}
    answer = collector.request("POST", "/v1/traces", body, headers)

    assert answer.json["partialSuccess"]["rejectedSpans"] == "1"
    [envelope] = stored(log, Signal.TRACES).values()
    [dead_letter] = envelope.dead_letters
    assert (dead_letter.index, dead_letter.reason, dead_letter.field, dead_letter.name) == (
        *(1, "invalid_identifier", "span_id"),
        "bad",
    )
    kept = Span.FromString(dead_letter.original)
    assert (kept.name, kept.trace_id, kept.span_id) == ("bad", b"\1" * 16, bytes(8))


def test_a_thousand_bad_events_of_4_kb_stay_within_bounds(
    collector: CollectorProcess, log: NatsServer
) -> None:
    """All of them counted, as many kept as fit, and the process no larger for it."""
    event = {"ts": 1, "name": "no good", "attrs": {"t": "x" * 3900}}
    packed = gzip.compress(json.dumps(batch(*[event] * 1000)).encode())
    first = collector.send(packed, Content_Encoding="gzip")
    before = collector.rss_bytes()
    for _ in range(60):
        answer = collector.send(packed, Content_Encoding="gzip")
        assert (answer.status, answer.json["rejected"]) == (202, 1000)

    assert len(answer.json["errors"]) == 100
    envelope = stored(log)[first.json["receiptId"]]
    assert envelope.outcome == {"offered": 1000}
    assert envelope.rejected == {"invalid_name": 1000}
    assert 100 < len(envelope.dead_letters) < 1000
    assert (
        sum(len(dead_letter.original) for dead_letter in envelope.dead_letters) < DEAD_LETTERS_BYTES
    )
    assert collector.rss_bytes() - before < 48 * MEBIBYTE
    page = collector.own_metrics()
    for reason in ("size", "rate"):
        assert f'dead_letters_dropped_total{{reason="{reason}",signal="events"}}' in page


def test_events_with_ids_are_where_their_ids_belong(
    collector: CollectorProcess, log: NatsServer
) -> None:
    idents = [f"event-{n}" for n in range(20)]
    events: list[dict[str, object]] = [{"ts": 1, "name": "a", "id": i} for i in idents]
    document = batch(*events, {"ts": 1, "name": "b"}, {"ts": 1, "name": "no good"}, batchId="ids")
    first, again = collector.send(document), collector.send(document)

    assert first.status == again.status == 202
    assert first.json == again.json
    assert (first.json["accepted"], first.json["rejected"]) == (21, 1)
    receipt = receipt_for_batch("acme", "shop", "ids")
    assert first.json["receiptId"] == receipt
    found = Counter[int]()
    parts = Counter[int]()
    totals = Counter[str]()
    for message in messages(log):
        for envelope in message.envelopes:
            if envelope.receipt != receipt:
                continue
            found[message.partition] += 1
            parts[envelope.outcome.pop("part", 0)] += 1
            totals.update(envelope.outcome)
            totals.update({"rejected": sum(envelope.rejected.values())})
            assert re.search(rf"\d+:{receipt}:[0-9a-f]{{16}}:e", message.headers[FRAMES])
            for event in envelope.events:
                told = str(event.get("id", "ids"))
                assert message.partition == choose_partition("acme", "shop", told, PARTITIONS)
    assert found == dict.fromkeys(range(PARTITIONS), 2)  # the try and its retry, in each stream
    assert parts == found
    assert totals == {"offered": 44, "accepted": 42, "rejected": 2}


def test_a_batch_sent_again_by_an_admin(collector: CollectorProcess, log: NatsServer) -> None:
    received_ms = NOW_MS - 20 * DAY_MS
    document = batch(
        {"ts": received_ms - 9 * DAY_MS, "name": "late_then"},
        appId="shop",
        batchId="mended",
        receivedAt=received_ms,
        sentAt=received_ms - 1000,
        sdk="web/1",
    )
    answer = replay(collector, document, token=ADMIN_TOKEN)
    by_key = replay(collector, document, token=KEY)
    nameless = replay(collector, {**document, "batchId": None}, token=ADMIN_TOKEN)
    future = replay(collector, {**document, "receivedAt": NOW_MS + DAY_MS}, token=ADMIN_TOKEN)
    by_admin = collector.send(batch(), key=ADMIN_TOKEN)

    assert answer.status == 202, answer.body
    assert answer.json == {
        "accepted": 1,
        "rejected": 0,
        "receiptId": receipt_for_batch("acme", "shop", "mended"),
    }
    envelope = stored(log)[answer.json["receiptId"]]
    assert envelope.numbers[4] == received_ms * 1_000_000
    assert (envelope.texts[17], envelope.texts.get(6)) == ("replay", None)
    assert (by_key.status, by_key.reason) == (403, "wrong_kind_of_token")
    assert (nameless.status, nameless.json["error"]["field"]) == (400, "batchId")
    assert (future.status, future.json["error"]["field"]) == (400, "receivedAt")
    assert (by_admin.status, by_admin.reason) == (401, "unknown_key")


def _refused(log: NatsServer, kind: Signal) -> dict[tuple[str, str, str], Counter[str]]:
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for message in messages(log, kind):
        for envelope in message.envelopes:
            if envelope.request_rejections:
                org, app, key = (envelope.texts.get(n, "") for n in (1, 2, 17))
                found.setdefault((org, app, key), Counter()).update(envelope.request_rejections)
                assert envelope.outcome.get("offered", 0) == sum(envelope.rejected.values())
                assert envelope.rejected.keys() <= envelope.request_rejections.keys()
                assert envelope.body == b""
                assert envelope.numbers[4] % 60_000_000_000 == 0
    return found


def test_rejected_requests_are_in_the_log_when_it_stops(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log:
        prepare(log)
        port = free_port()
        with CollectorProcess(log, tmp_path, grpc_port=port, body_deadline_seconds=0.2) as running:
            for _ in range(3):
                running.send(batch(), key="smk_nobody")
            running.send(b"{")
            running.send(b" " * (BODY_BYTES + 1))
            running.send(batch(), Content_Type="text/html")
            running.send(batch(), Content_Encoding="br")
            running.send(batch(), key=FENCED_KEY, Origin="https://evil.example")
            running.send(batch(appId="other"))
            running.raw_answer(
                b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 9\r\n\r\n{"
                % (ROUTE.encode(), KEY.encode())
            )
            running.request("POST", "/v1/logs", b"{}", {"Content-Type": "application/json"})
            _call(port, b"\xff", key=KEY)
            _call(port, b"", key="smk_nobody")
            accepted = running.send(batch())
            page = running.own_metrics()

        assert accepted.status == 202
        assert list(stored(log)) == [accepted.json["receiptId"]]
        assert _refused(log, Signal.EVENTS) == {
            ("", "", ""): {"unknown_key": 3},
            ("acme", "fenced", f"id-{FENCED_KEY}"): {"origin_not_allowed": 1},
            ("acme", "shop", f"id-{KEY}"): {
                "malformed": 1,
                "body_too_large": 1,
                "unsupported_content_type": 1,
                "unsupported_encoding": 1,
                "app_mismatch": 1,
                "timeout": 1,
            },
        }
        read = [e for m in messages(log) for e in m.envelopes if e.request_rejections]
        assert sum((Counter(envelope.rejected) for envelope in read), Counter()) == {
            "app_mismatch": 1  # the only one of them that was read
        }
        assert _refused(log, Signal.LOGS) == {("", "", ""): {"missing_key": 1}}
        assert _refused(log, Signal.TRACES) == {
            ("acme", "shop", f"id-{KEY}"): {"malformed": 1},
            ("", "", ""): {"unknown_key": 1},
        }
    assert 'seamark_collector_items_offered_total{signal="events"} 2.0' in page
    key_hash = hashlib.sha256(b"smk_nobody").hexdigest()[:8]
    counted = f'key_hash="{key_hash}",source="127.0.0.0/24"'
    assert f"seamark_collector_unknown_key_requests_total{{{counted}}} 4.0" in page
    unread = dict(
        re.findall(
            r'collector_unread_bytes_total{reason="(\w+)",route="/v1/ingest/batch"} (\S+)', page
        )
    )
    assert float(unread["body_too_large"]) > BODY_BYTES  # as long as it said
    assert float(unread["unknown_key"]) > 0
    assert "app_mismatch" not in unread  # its items were counted


def _call(port: int, body: bytes, *, key: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        export = channel.unary_unary(f"/{TRACES.service}/Export")
        with pytest.raises(grpc.RpcError):
            export(body, metadata=(("x-api-key", key),), timeout=10)


def test_refusals_wait_for_the_log(tmp_path: Path) -> None:
    """What was answered 503 while the log was away is counted once it is back, all of it."""
    log = NatsServer(tmp_path / "nats").start()
    try:
        prepare(log)
        answers: list[Answered] = []
        with CollectorProcess(log, tmp_path) as running:
            assert running.send(batch()).status == 202
            log.kill()
            answers.append(running.send(batch()))
            log.start()
            deadline = time.monotonic() + 20
            while answers[-1].status != 202:
                assert time.monotonic() < deadline
                answers.append(running.send(batch()))
        refused = _refused(log, Signal.EVENTS)
    finally:
        log.stop()

    away = [answer for answer in answers if answer.status == 503]
    assert away
    assert refused == {("acme", "shop", f"id-{KEY}"): {"unavailable": len(away)}}
