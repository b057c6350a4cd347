"""One OTLP request, looked at as a whole: is it well formed, how much is in it, what must go.

Pure: bytes in, values out. What comes out is not the bytes that came in, but the same request
written anew by protobuf, unknown fields left out. ClickHouse reads protobuf more strictly than
protobuf's own parsers, and one message it cannot read fails its whole block: groups, known fields
of another wire type, varints of ten bytes that need fewer, booleans other than 0 and 1, an int32
above 2^31, a string or a oneof that occurs twice. The writer produces none of these, so no sender
can poison a block. It costs about 1 µs a span; `tests/properties/test_otlp_store.py` is the proof.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from collector.admission.dead_letters import dead_letter
from collector.admission.redaction.dead_letters import redacted_dead_letter
from collector.admission.redaction.otlp import redact_default_keys, redact_request
from collector.admission.redaction.rules import UNTOUCHED, Redactor
from collector.receivers.otlp_ids import check_records, check_spans, fault_of_ids
from collector.receivers.otlp_items import BadItem, Sorted, fault_of, sort_items
from collector.receivers.otlp_json import to_protobuf
from collector.receivers.otlp_json_items import check_known, sort_json
from collector.receivers.otlp_json_text import BYTE_ORDER_MARK, has_snake_names
from collector.receivers.otlp_kinds import METRICS, TRACES, Kind
from collector.receivers.otlp_nested import (
    attribute_lists,
    flat,
    nested_in_context,
    nested_values,
    write_as_json,
)
from collector.receivers.otlp_parts import LIMITS, Part, PartLimits, cut_request
from collector.receivers.otlp_wire import too_many_items
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected
from seamark.wire.limits import DEAD_LETTER_BYTES, OTLP_ITEMS
from seamark.wire.reasons import Reason

_REMARK_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Examined:
    """A request that may go into the log, in parts. `remark` is for the sender: empty when all is
    well.

    `removed` are the items that are in no part, with their places among all items of the request:
    spans without valid ids, and items that could not be read or are too large.
    """

    parts: Sequence[Part]
    outcome: Outcome
    remark: str = ""
    removed: Sequence[tuple[int, Any]] = ()

    @property
    def body(self) -> bytes:
        """The parts as one request, which in protobuf is their bytes end to end."""
        return b"".join([part.body for part in self.parts])

    @property
    def weight(self) -> int:
        """The expanded size of the request, or more."""
        return sum([part.weight for part in self.parts])


def examine(
    kind: Kind, body: bytes, limits: PartLimits = LIMITS, *, redactor: Redactor = UNTOUCHED
) -> Examined:
    """Check one binary request of a kind and write it as the log shall have it.

    Raises Rejected (MALFORMED, TOO_MANY_EVENTS, EXPANDED_TOO_LARGE). Does not block; CPU time is
    about 1.8 µs a span of eight attributes, and several times that where protobuf cannot read the
    request as a whole, where it is cut, or where something in it may have to be redacted.
    """
    if redactor.may_touch(body):
        try:
            body = _redacted(kind, body, redactor)
        except DecodeError:
            return _examine_sorted(kind, sort_items(kind, body), redactor, limits)
    try:
        request = flat(kind).FromString(body)
        nested = nested_in_context(kind, request)
        size = _known_size(request) if nested else 0
        write_as_json(nested)
        examined = _examine(kind, request, Sorted(), limits)
        if not nested and len(examined.parts) == 1:
            size = len(examined.parts[0].body)
        whole = None if size == len(body) else _with_json(kind, body)
    except DecodeError:
        return _examine_sorted(kind, sort_items(kind, body), redactor, limits)
    return examined if whole is None else _examine(kind, whole, Sorted(), limits)


def _known_size(request: Message) -> int:
    """Bytes of a request without the fields that it does not know, which are dropped."""
    request.DiscardUnknownFields()
    return request.ByteSize()


def _with_json(kind: Kind, body: bytes) -> Message | None:
    """A request with JSON for its arrays and lists; None when it holds none.

    Raises DecodeError where protobuf cannot read one of them.
    """
    request: Message = kind.request.FromString(body)
    nested = nested_values(kind, request)
    write_as_json(nested)
    return request if nested else None


def examine_json(
    kind: Kind, body: bytes, limits: PartLimits = LIMITS, *, redactor: Redactor = UNTOUCHED
) -> Examined:
    """The same of a JSON request. Raises Rejected likewise."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    if has_snake_names(body):
        return _examine_sorted(kind, sort_json(kind, body), redactor, limits)
    try:
        request = to_protobuf(kind, body)
    except Rejected:
        return _examine_sorted(kind, sort_json(kind, body), redactor, limits)
    if not request and body:
        check_known(kind, body)
    return examine(kind, request, limits, redactor=redactor)


def _redacted(kind: Kind, body: bytes, redactor: Redactor) -> bytes:
    """The request as the app's rules have it. Raises DecodeError."""
    request = kind.request.FromString(body)
    if not redact_default_keys(redactor, attribute_lists(kind, request), body):
        redact_request(redactor, request)
    return request.SerializeToString()


def _examine_sorted(kind: Kind, items: Sorted, redactor: Redactor, limits: PartLimits) -> Examined:
    """What is left of a request once its items have been read one by one."""
    try:
        body = items.body
        if redactor.may_touch(body):
            body = _redacted(kind, body, redactor)
        request = kind.request.FromString(body)
    except DecodeError as error:  # every body in it could be read
        raise fault_of(error) from None
    write_as_json(nested_values(kind, request))
    return _examine(kind, request, items, limits)


def _examine(kind: Kind, request: Message, items: Sorted, limits: PartLimits) -> Examined:
    groups, points = _groups(kind, request)
    cut: Sequence[tuple[int, Any]] = ()
    remark = ""
    if kind is TRACES:
        read, cut, remark = check_spans(groups)
    elif kind is METRICS:
        read = points
    else:
        read, remark = check_records(groups)
    removed: dict[int, Any] = {bad.index: bad for bad in items.bad}
    offered = read + len(removed)
    if cut:
        removed.update(_placed(offered, removed, cut))
    parts: Sequence[Part] = ()
    too_large: list[BadItem] = []
    if offered > len(removed):
        request.DiscardUnknownFields()
        body = request.SerializeToString()
        made = cut_request(kind, request, body, items=offered - len(removed), limits=limits)
        parts, too_large = made.parts, made.bad
    if too_large:
        removed.update(_placed(offered, removed, [(bad.index, bad) for bad in too_large]))
    remarks = [_said(kind, items.bad or too_large, offered), remark, *items.remarks]
    return Examined(
        parts,
        Outcome(offered, offered - len(removed), rejected=_reasons(removed.values())),
        "; ".join([text for text in remarks if text]),
        sorted(removed.items()),
    )


def _placed(
    offered: int, removed: Container[int], found: Sequence[tuple[int, Any]]
) -> Iterator[tuple[int, Any]]:
    """Items by their places among all, from their places among those not removed before."""
    left = [place for place in range(offered) if place not in removed]
    return ((left[place], item) for place, item in found)


def _reasons(removed: Iterable[Any]) -> dict[str, int]:
    return Counter(
        item.fault.reason.value if isinstance(item, BadItem) else Reason.INVALID_IDENTIFIER.value
        for item in removed
    )


def _said(kind: Kind, bad: Sequence[BadItem], offered: int) -> str:
    """What the sender is told of items that could not be read, or are too large."""
    if not bad:
        return ""
    return (
        f"{len(bad)} of {offered} {kind.noun} were rejected; the first of them is number "
        f"{bad[0].index}: {bad[0].fault.message[:_REMARK_CHARS]}"
    )


def dead_letters(
    examined: Examined, first: int = 0, *, redactor: Redactor = UNTOUCHED
) -> Iterator[DeadLetter]:
    """A dead letter for each item that was taken out, written when it is asked for.

    `first` items of the same request stood before those that were examined.

    The original is the item as it was sent; that of a span that was cut out is protobuf, also when
    the request was JSON.
    """
    for place, item in examined.removed:
        index = first + place
        if isinstance(item, BadItem):
            yield redacted_dead_letter(
                redactor, index, item.fault, original=item.original, name=item.name
            )
            continue
        size = item.ByteSize()
        original = item.SerializeToString() if size <= DEAD_LETTER_BYTES else b""
        yield dead_letter(index, fault_of_ids(item), original=original, size=size, name=item.name)


def _groups(kind: Kind, request: Message) -> tuple[list[Any], int]:
    """The lists of items, one per scope, once it is known that there are not too many to walk; and
    how many data points there are.
    """
    resources = kind.resources(request)
    total = len(resources)
    groups: list[Any] = []
    if total <= OTLP_ITEMS:
        for resource in resources:
            scopes = kind.scopes(resource)
            total += len(scopes)
            if total > OTLP_ITEMS:
                break
            for scope in scopes:
                items = kind.items(scope)
                total += len(items)
                groups.append(items)
    points = _count_points(groups) if kind is METRICS and total <= OTLP_ITEMS else 0
    if total + points > OTLP_ITEMS:
        raise too_many_items()
    return groups, points


def _count_points(groups: list[Any]) -> int:
    return sum(
        len(getattr(metric, data).data_points)
        for metrics in groups
        for metric in metrics
        if (data := metric.WhichOneof("data"))
    )
