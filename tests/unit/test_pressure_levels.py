"""What is refused when: levels from fills, with hysteresis, and the table of importance."""

import pytest
from google.rpc import code_pb2
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.shedding.importance import REFUSED_FROM, Importance, importance
from collector.shedding.levels import Level, Thresholds, disk_fill
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from seamark.wire.statuses import grpc_code, http_status

THRESHOLDS = Thresholds()
MARGIN = 0.03
"""How far a fill falls below where a level began before that level ends."""
NARROWER = 30
"""So many neighbouring thousandths reach less far than the margin."""


@pytest.mark.parametrize(
    ("fill", "level"),
    [(0.0, Level.NONE), (0.849, Level.NONE), (0.85, Level.LEAST), (0.95, Level.MOST), (1, 3)],
)
def test_levels_begin_at_their_thresholds(fill: float, level: Level) -> None:
    assert THRESHOLDS.level(fill, current=Level.NONE) == level


def test_a_level_ends_only_with_some_room() -> None:
    assert THRESHOLDS.level(0.83, current=Level.LEAST) is Level.LEAST
    assert THRESHOLDS.level(0.81, current=Level.LEAST) is Level.NONE
    assert THRESHOLDS.level(0.93, current=Level.MOST) is Level.MOST
    assert THRESHOLDS.level(0.91, current=Level.MOST) is Level.LEAST


def courses(start: Level, fills: list[float], thresholds: Thresholds = THRESHOLDS) -> list[Level]:
    """The levels after each fill, those that stay said once."""
    course: list[Level] = []
    for fill in fills:
        level = thresholds.level(fill, current=course[-1] if course else start)
        if course[-1:] != [level]:
            course.append(level)
    return course


def test_within_its_room_a_level_changes_once_and_never_back() -> None:
    """Every sequence of fills, in thousandths, that stays narrower than the margin.

    What a fill does depends on the level before it alone, so the levels are the knots of a graph
    with an edge for each fill of the interval: no edge may follow on an edge.
    """
    fills = [thousandths / 1000 for thousandths in range(1050)]
    for low in range(len(fills) - NARROWER):
        interval = fills[low : low + NARROWER]
        steps = {
            level: {THRESHOLDS.level(fill, current=level) for fill in interval} - {level}
            for level in Level
        }
        first = {THRESHOLDS.level(fill, current=level) for fill in interval for level in Level}
        for level in first:
            for later in steps[level]:
                assert not steps[later], (interval[0], interval[-1], level, later, steps[later])


@given(
    st.sampled_from(Level),
    st.floats(0.0, 1.2),
    st.lists(st.floats(0.0, MARGIN, exclude_max=True), min_size=1),
    st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3, unique=True).map(sorted),
)
def test_no_level_comes_back_whatever_the_thresholds(
    start: Level, high: float, below: list[float], thresholds: list[float]
) -> None:
    fills = [high - less for less in below]
    for those in (THRESHOLDS, Thresholds(*thresholds)):
        course = courses(start, fills, those)
        assert course in (sorted(set(course)), sorted(set(course), reverse=True))
    assert len(courses(start, fills)) <= 2


@given(st.floats(0, 1.2), st.floats(0, 1.2), st.sampled_from(Level))
def test_fuller_is_never_less(one: float, other: float, current: Level) -> None:
    low, high = sorted((one, other))
    assert THRESHOLDS.level(low, current=current) <= THRESHOLDS.level(high, current=current)


def test_disks_are_full_by_what_is_left() -> None:
    keep = 256 << 20
    assert disk_fill(keep, keep_bytes=keep) == 1.0
    assert disk_fill(2 * keep, keep_bytes=keep) == pytest.approx(0.95)
    assert disk_fill(4 * keep, keep_bytes=keep) == pytest.approx(0.85)
    assert disk_fill(1 << 40, keep_bytes=keep) == 0.0
    assert disk_fill(0, keep_bytes=0) == 0.0


def spans(*codes: int, exception: bool = False) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for code in codes:
        span = scope.spans.add()
        span.status.code = code  # type: ignore[assignment]  # a number is what travels
        if exception:
            span.events.add(name="exception")
    return request.SerializeToString()


def records(*severities: int) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for severity in severities:
        scope.log_records.add(severity_number=severity)
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("signal", "body", "kind"),
    [
        (Signal.TRACES, spans(0, 1), Importance.SPANS),
        (Signal.TRACES, spans(0, 2), Importance.ERRORS),
        (Signal.TRACES, spans(0, exception=True), Importance.ERRORS),
        (Signal.TRACES, b"\xff", Importance.EVENTS),
        (Signal.LOGS, records(), Importance.CHATTER),
        (Signal.LOGS, records(5, 12), Importance.CHATTER),
        (Signal.LOGS, records(5, 13), Importance.WARNINGS),
        (Signal.LOGS, records(17, 5), Importance.ERRORS),
        (Signal.METRICS, b"", Importance.METRICS),
        (Signal.EVENTS, b'[{"ts":1,"name":"page_view"}]', Importance.EVENTS),
        (Signal.EVENTS, b'[{"ts":1,"name":"page_view"},{"name":"js_error"}]', Importance.ERRORS),
        (Signal.EVENTS, b'[{"name":"Exception"}]', Importance.ERRORS),
        (Signal.EVENTS, b'[{"name":"no_errors_here"}]', Importance.EVENTS),
        (Signal.EVENTS, rb'[{"name":"a","attrs":{"b":"\"name\":\"error\""}}]', Importance.EVENTS),
    ],
)
def test_a_request_is_worth_the_best_in_it(signal: Signal, body: bytes, kind: Importance) -> None:
    assert importance(signal, body) is kind


def test_names_count_like_a_body() -> None:
    assert importance(Signal.EVENTS, b"", ["page_view", "app.crash"]) is Importance.ERRORS
    assert importance(Signal.EVENTS, b"", ["page_view"]) is Importance.EVENTS


def test_errors_go_last() -> None:
    assert set(REFUSED_FROM) == set(Importance)
    assert [kind for kind, level in REFUSED_FROM.items() if level is Level.ALL] == [
        Importance.ERRORS
    ]


def test_exporters_get_a_retry_delay() -> None:
    refusal = Unavailable("later", reason=Reason.SHED)
    assert http_status(refusal) == 503
    assert grpc_code(refusal) == code_pb2.UNAVAILABLE
