"""Counting, cutting out, and what is too much."""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.receivers.otlp_check import dead_letters, examine
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.envelope import Outcome, bytes_field
from seamark.wire.failures import Rejected
from seamark.wire.limits import DEAD_LETTER_BYTES, OTLP_ITEMS
from seamark.wire.reasons import Reason
from tests.properties.otlp_oddities import nested_values

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))


def _spans(*ids: tuple[bytes, bytes, bytes]) -> bytes:
    request = ExportTraceServiceRequest()
    for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
        spans = request.resource_spans.add().scope_spans.add().spans
        for number, (trace, span, parent) in enumerate(half):
            spans.add(trace_id=trace, span_id=span, parent_span_id=parent, name=f"s{number}")
    return request.SerializeToString()


def _read(kind: Kind, body: bytes) -> Any:
    return kind.request.FromString(body)


def test_a_clean_request_is_the_same_bytes() -> None:
    body = _spans(*[(TRACE, SPAN, b"")] * 4, (TRACE, SPAN, SPAN))
    examined = examine(TRACES, body)
    assert examined.body == body
    assert examined.outcome == Outcome(offered=5, accepted=5)
    assert examined.remark == ""


@pytest.mark.parametrize(
    ("trace", "span"),
    [
        (b"", SPAN),
        (TRACE, b""),
        (bytes(16), SPAN),
        (TRACE, bytes(8)),
        (TRACE + b"x", SPAN),
        (TRACE, SPAN[:7]),
    ],
)
def test_spans_with_invalid_ids_are_cut_out_and_counted(trace: bytes, span: bytes) -> None:
    good = (TRACE, SPAN, b"")
    examined = examine(TRACES, _spans(good, (trace, span, b""), good, good))
    assert examined.outcome == Outcome(
        offered=4, accepted=3, rejected={Reason.INVALID_IDENTIFIER.value: 1}
    )
    assert "1 of 4 spans" in examined.remark
    names = [
        [span.name for span in resource.scope_spans[0].spans]
        for resource in _read(TRACES, examined.body).resource_spans
    ]
    assert names == [["s0"], ["s0", "s1"]]


def test_what_was_cut_out_is_kept_as_it_was_sent() -> None:
    good, named = (TRACE, SPAN, b""), (b"abc", SPAN, b"12345")
    examined = examine(TRACES, _spans(good, named, good, good, (TRACE, bytes(8), b"")))
    first, second = dead_letters(examined)

    assert (first.index, first.reason, first.field, first.name) == (
        *(1, "invalid_identifier", "trace_id"),
        "s1",
    )
    assert first.message == "it is 3 bytes; it has to be 16 bytes, not all zero"
    assert Span.FromString(first.original) == Span(
        trace_id=b"abc", span_id=SPAN, parent_span_id=b"12345", name="s1"
    )
    assert (second.index, second.field, second.name) == (4, "span_id", "s2")
    assert second.message == "it is all zero; it has to be 8 bytes, not all zero"


def test_a_span_that_is_too_long_is_not_even_written() -> None:
    request: Any = TRACES.request()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="long")
    span.attributes.add(key="k").value.string_value = "x" * DEAD_LETTER_BYTES
    [found] = dead_letters(examine(TRACES, request.SerializeToString()))

    assert (found.name, found.original) == ("long", b"")
    assert "not kept: the item is 65," in found.message


def test_an_invalid_parent_is_no_parent() -> None:
    bad, good = (TRACE, SPAN, b"12345"), (TRACE, SPAN, SPAN)
    examined = examine(TRACES, _spans(bad, good, good, good))
    spans = _read(TRACES, examined.body).resource_spans[0].scope_spans[0].spans
    assert [span.parent_span_id for span in spans] == [b"", SPAN]
    assert examined.outcome == Outcome(offered=4, accepted=4)


def test_when_everything_is_rejected_an_empty_body_is_left() -> None:
    examined = examine(TRACES, _spans((b"", b"", b""), (b"", b"", b"")))
    assert examined.body == b""
    assert (examined.outcome.offered, examined.outcome.accepted) == (2, 0)


def test_log_records_stay_and_lose_invalid_ids() -> None:
    request = LOGS.request()
    records: Any = request.resource_logs.add().scope_logs.add().log_records  # type: ignore[attr-defined]
    records.add(event_name="none")
    records.add(event_name="good", trace_id=TRACE, span_id=SPAN)
    records.add(event_name="zero", trace_id=bytes(16), span_id=bytes(8))
    records.add(event_name="bad", trace_id=b"abc", span_id=SPAN)
    examined = examine(LOGS, request.SerializeToString())
    left = _read(LOGS, examined.body).resource_logs[0].scope_logs[0].log_records
    assert [(r.event_name, r.trace_id, r.span_id) for r in left] == [
        ("none", b"", b""),
        ("good", TRACE, SPAN),
        ("zero", b"", b""),
        ("bad", b"", SPAN),
    ]
    assert examined.outcome == Outcome(offered=4, accepted=4)
    assert examined.remark.startswith("1 of 4 log records")


def test_metrics_are_counted_in_data_points() -> None:
    request: Any = METRICS.request()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    points = metrics.add(name="s").sum.data_points
    metrics.add(name="g").gauge.data_points.add()
    for _ in range(2):
        points.add()
    metrics.add(name="h").histogram.data_points.add()
    metrics.add(name="e").exponential_histogram.data_points.add()
    metrics.add(name="q").summary.data_points.add()
    metrics.add(name="nothing")
    examined = examine(METRICS, request.SerializeToString())
    assert examined.outcome == Outcome(offered=6, accepted=6)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_a_good_request(kind: Kind) -> None:
    assert examine(kind, b"").outcome == Outcome(0, 0)
    assert examine(kind, bytes_field(1, b"")).outcome == Outcome(0, 0)


@pytest.mark.parametrize("start", [0, 2**63 - 1, 2**64 - 1])
def test_any_timestamp_is_taken(start: int) -> None:
    request = _read(TRACES, _spans((TRACE, SPAN, b""), (TRACE, SPAN, b"")))
    request.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano = start
    assert examine(TRACES, request.SerializeToString()).outcome.accepted == 2


def test_unknown_fields_are_left_out() -> None:
    clean = _spans((TRACE, SPAN, b""), (TRACE, SPAN, b""))
    assert examine(TRACES, clean + bytes_field(99, b"future")).body == clean


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"\x0a", b"\xff", b"not protobuf", b"\x1f\x8b\x08\x00"])
def test_what_is_not_protobuf_is_malformed(kind: Kind, body: bytes) -> None:
    with pytest.raises(Rejected) as rejected:
        examine(kind, body)
    assert rejected.value.reason is Reason.MALFORMED
    assert kind.request.DESCRIPTOR.name in rejected.value.message


def test_a_span_that_is_nested_too_deep_is_rejected() -> None:
    deep = nested_values(20).SerializeToString()
    for _ in range(60):
        deep = bytes_field(5, bytes_field(1, deep))
    span = bytes_field(9, bytes_field(2, deep)) + bytes_field(5, b"deep")
    good = _read(TRACES, _spans(*[(TRACE, SPAN, b"")] * 2)).resource_spans[0].scope_spans[0]
    spans = good.SerializeToString() + bytes_field(2, span)
    examined = examine(TRACES, bytes_field(1, bytes_field(2, spans)))
    assert examined.outcome == Outcome(offered=2, accepted=1, rejected={Reason.TOO_DEEP.value: 1})
    [taken] = dead_letters(examined)
    assert (taken.index, taken.name, taken.original) == (1, "deep", span)
    assert "1 of 2 spans were rejected" in examined.remark


@pytest.mark.parametrize(
    "body",
    [
        bytes_field(1, b"") * (OTLP_ITEMS + 1),
        bytes_field(1, bytes_field(2, b"") * (OTLP_ITEMS + 1)),
        bytes_field(1, bytes_field(2, bytes_field(2, b"") * (OTLP_ITEMS + 1))),
        bytes_field(1, bytes_field(2, bytes_field(2, b"\xff\xff") * (OTLP_ITEMS + 1))),
    ],
    ids=["resources", "scopes", "spans", "broken spans"],
)
def test_empty_items_by_the_million_are_not_walked(body: bytes) -> None:
    with pytest.raises(Rejected) as rejected:
        examine(TRACES, body)
    assert rejected.value.reason is Reason.TOO_MANY_EVENTS


def test_empty_data_points_by_the_million_are_not_walked() -> None:
    points = bytes_field(5, bytes_field(1, b"") * (OTLP_ITEMS + 1))
    with pytest.raises(Rejected) as rejected:
        examine(METRICS, bytes_field(1, bytes_field(2, bytes_field(2, points))))
    assert rejected.value.reason is Reason.TOO_MANY_EVENTS
