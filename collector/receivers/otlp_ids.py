"""Trace and span ids of a request: spans without valid ones are cut out, log records lose them.

Pure. A valid id is of its length and not all zeros:
https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext
"""

from collections.abc import Sequence
from typing import Any, Final

from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

_TRACE_ID: Final = 16
_SPAN_ID: Final = 8
_NO_TRACE: Final = bytes(_TRACE_ID)
_NO_SPAN: Final = bytes(_SPAN_ID)
_TRACE_ID_OR_NONE: Final = (0, _TRACE_ID)
_SPAN_ID_OR_NONE: Final = (0, _SPAN_ID)


def check_spans(groups: list[Any]) -> tuple[int, Sequence[tuple[int, Any]], str]:
    """Cut out spans without a valid trace and span id. Returns offered, what was cut, remark.

    A parent id that is not valid counts as none.
    """
    offered = 0
    cut: list[tuple[int, Any]] = []
    for spans in groups:
        size = len(spans)
        if [
            1
            for span in spans
            if len(trace := span.trace_id) != _TRACE_ID
            or trace == _NO_TRACE
            or len(ident := span.span_id) != _SPAN_ID
            or ident == _NO_SPAN
            or len(span.parent_span_id) not in _SPAN_ID_OR_NONE
        ]:
            cut += [(offered + place, span) for place, span in _cut_spans(spans)]
        offered += size
    if not cut:
        return offered, (), ""
    return (
        offered,
        cut,
        f"{len(cut)} of {offered} spans were rejected: trace_id has to be {_TRACE_ID} bytes and "
        f"span_id {_SPAN_ID}, not all zero",
    )


def _cut_spans(spans: Any) -> list[tuple[int, Any]]:
    """The slow path: keep the valid spans of one scope; return the others and their places."""
    valid: list[Any] = []
    cut: list[tuple[int, Any]] = []
    for place, span in enumerate(spans):
        if _good_trace_id(span) and _good_span_id(span):
            valid.append(span)
        else:
            cut.append((place, span))
    for span in valid:
        if len(span.parent_span_id) not in _SPAN_ID_OR_NONE:
            span.ClearField("parent_span_id")
    if cut:
        del spans[:]
        spans.extend(valid)
    return cut


def _good_trace_id(span: Any) -> bool:
    return len(span.trace_id) == _TRACE_ID and span.trace_id != _NO_TRACE


def _good_span_id(span: Any) -> bool:
    return len(span.span_id) == _SPAN_ID and span.span_id != _NO_SPAN


def fault_of_ids(span: Any) -> Rejected:
    """Why a span was cut out."""
    if not _good_trace_id(span):
        field, size, needed = "trace_id", len(span.trace_id), _TRACE_ID
    else:
        field, size, needed = "span_id", len(span.span_id), _SPAN_ID
    what = "all zero" if size == needed else f"{size} bytes"
    return Rejected(
        Reason.INVALID_IDENTIFIER,
        f"it is {what}; it has to be {needed} bytes, not all zero",
        field=field,
    )


def check_records(groups: list[Any]) -> tuple[int, str]:
    """Take invalid ids off log records; the records stay. Returns offered, remark."""
    offered = cleared = 0
    for records in groups:
        offered += len(records)
        for record in [
            record
            for record in records
            if len(trace := record.trace_id) not in _TRACE_ID_OR_NONE
            or trace == _NO_TRACE
            or len(ident := record.span_id) not in _SPAN_ID_OR_NONE
            or ident == _NO_SPAN
        ]:
            cleared += _clear_ids(record)
    if not cleared:
        return offered, ""
    return (
        offered,
        f"{cleared} of {offered} log records were taken without their trace_id or span_id, which "
        f"was not {_TRACE_ID} or {_SPAN_ID} bytes",
    )


def _clear_ids(record: Any) -> bool:
    """Clear what is not valid of one record; all zeros means none and is not worth a remark."""
    remarkable = False
    for field, length, zeros in (
        ("trace_id", _TRACE_ID, _NO_TRACE),
        ("span_id", _SPAN_ID, _NO_SPAN),
    ):
        value = getattr(record, field)
        if len(value) != length or value == zeros:
            remarkable = remarkable or len(value) not in (0, length)
            record.ClearField(field)
    return remarkable
