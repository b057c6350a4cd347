"""Cuts a request into parts, each of which is one frame of the log and fits a block of any sink.

Pure: bytes in, bytes out. Most requests are one part, and are not looked at again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import message_factory

from collector.receivers.otlp_expanded import around_item, bound, size_of
from collector.receivers.otlp_items import BadItem, name_of
from collector.receivers.otlp_kinds import Kind
from collector.receivers.otlp_wire import WireGroup, groups
from seamark.wire.failures import Rejected
from seamark.wire.frames import ITEM_WEIGHT
from seamark.wire.limits import (
    DEAD_LETTERS_BYTES,
    OTLP_EXPANDED_BYTES,
    PART_BYTES,
    PART_WEIGHT,
)
from seamark.wire.reasons import Reason

_ENVELOPE_BYTES: Final = 64 * 1024
"""Room for the sender and the outcome in an envelope."""


@dataclass(frozen=True, slots=True)
class PartLimits:
    """What a part may be: `bytes` of its body, of a single item's `item_bytes`, `weight`; and
    `expanded` for all parts of a request together.
    """

    bytes: int = PART_BYTES
    item_bytes: int = 3 * PART_BYTES
    weight: int = PART_WEIGHT
    expanded: int = OTLP_EXPANDED_BYTES


LIMITS: Final = PartLimits()
_NO_LIMITS: Final = PartLimits(bytes=2**62, item_bytes=2**62, weight=2**62, expanded=2**62)


def limits_for(frame_bytes: int, *, expanded: int) -> PartLimits:
    """The limits for a log whose messages hold a frame of so many bytes.

    An item that cannot be compressed and all the dead letters of its request have to fit.
    """
    room = max(1024, frame_bytes - DEAD_LETTERS_BYTES - _ENVELOPE_BYTES)
    return PartLimits(bytes=min(PART_BYTES, room), item_bytes=room, expanded=expanded)


@dataclass(frozen=True, slots=True)
class Part:
    """One frame's worth of a request: a smaller request, its items, and its expanded size."""

    body: bytes
    items: int
    weight: int


@dataclass(slots=True)
class Cut:
    """What was made of a request: its parts, and the items that are too large for any."""

    parts: list[Part] = field(default_factory=list)
    bad: list[BadItem] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """The expanded size of the request."""
        return sum([part.weight for part in self.parts])


def cut_request(kind: Kind, request: Any, body: bytes, *, items: int, limits: PartLimits) -> Cut:
    """The parts of a request that was read; `body` is as protobuf writes it.

    Raises Rejected (EXPANDED_TOO_LARGE).
    """
    weight = bound(kind, request, body)
    if len(body) <= limits.bytes and weight <= min(limits.weight, limits.expanded):
        return Cut([Part(body, items, weight)])
    found = groups(kind, body)
    check_context(found, len(body), limits)
    return _Cutter(kind, limits).cut(found)


def exact_weight(kind: Kind, body: bytes) -> int:
    """The expanded size of a binary request, counted item by item."""
    return _Cutter(kind, _NO_LIMITS).cut(groups(kind, body)).weight


def check_context(found: list[WireGroup], size: int, limits: PartLimits) -> None:
    """Refuse what is too much by its resources and scopes alone. Raises Rejected likewise."""
    total = size + sum(
        len(group.items) * (ITEM_WEIGHT + sum(len(level.head) for level in group.levels))
        for group in found
    )
    if total > limits.expanded:
        raise expanded_too_large(total, limits)


def expanded_too_large(total: int, limits: PartLimits) -> Rejected:
    """The failure of a request that would take too much of the store."""
    return Rejected(
        Reason.EXPANDED_TOO_LARGE,
        f"the request would be at least {total:,} bytes in the store, the limit is "
        f"{limits.expanded:,}: every item repeats the attributes of its resource and scope; send "
        "fewer items at once, or smaller resources",
    )


class _Cutter:
    """Fills one part after another."""

    def __init__(self, kind: Kind, limits: PartLimits) -> None:
        self._kind = kind
        self._limits = limits
        self._cut = Cut()
        self._bodies: list[bytes] = []
        self._size = self._weight = self._items = 0
        self._total = self._index = 0

    def cut(self, found: list[WireGroup]) -> Cut:
        """The parts of these groups."""
        for group in found:
            self._add(group)
        self._flush()
        return self._cut

    def _add(self, group: WireGroup) -> None:
        head = group.body([])
        around = around_item(self._kind, self._kind.request.FromString(head))
        item_type = message_factory.GetMessageClass(_item_descriptor(self._kind, group))
        pending: list[bytes] = []
        size = len(head)
        for item in group.items:
            weight = size_of(self._kind, item_type.FromString(item), len(item), around)
            self._total += weight
            if self._total > self._limits.expanded:
                raise expanded_too_large(self._total, self._limits)
            place, self._index = self._index, self._index + 1
            own = len(item) + _FRAMING
            if (fault := self._too_large(len(head) + own, weight)) is not None:
                name = name_of(_item_descriptor(self._kind, group), item, group.levels)
                self._cut.bad.append(BadItem(place, fault, item, name))
                continue
            if self._items and (
                self._size + size + own > self._limits.bytes
                or self._weight + weight > self._limits.weight
            ):
                self._take(group, pending)
                self._flush()
                size, pending = len(head), []
            pending.append(item)
            size += own
            self._weight += weight
            self._items += 1
        self._take(group, pending)

    def _too_large(self, size: int, weight: int) -> Rejected | None:
        limits = self._limits
        if size <= limits.item_bytes and weight <= limits.weight:
            return None
        return Rejected(
            Reason.TOO_LARGE,
            f"with its resource and scope it is {size:,} bytes and becomes {weight:,} in the "
            f"store; the limits for one item are {limits.item_bytes:,} and {limits.weight:,}",
        )

    def _take(self, group: WireGroup, items: list[bytes]) -> None:
        if items:
            body = group.body(items)
            self._bodies.append(body)
            self._size += len(body)

    def _flush(self) -> None:
        if self._items:
            self._cut.parts.append(Part(b"".join(self._bodies), self._items, self._weight))
        self._bodies = []
        self._size = self._weight = self._items = 0


_FRAMING: Final = 6
"""At most so many bytes stand before an item: its field's number and its length."""


def _item_descriptor(kind: Kind, group: WireGroup) -> Any:
    found: Any = kind.descriptor
    for level in group.levels:
        found = found.fields_by_number[level.number].message_type
    return found


def chunks(kind: Kind, body: bytes, limits: PartLimits) -> Iterator[bytes]:
    """A large binary request as smaller ones of about `limits.bytes`, in order; nothing is parsed.

    Raises Rejected (MALFORMED, TOO_MANY_EVENTS, EXPANDED_TOO_LARGE) before the first of them.
    """
    if len(body) <= limits.bytes:
        yield body
        return
    found = groups(kind, body)
    check_context(found, len(body), limits)
    bodies: list[bytes] = []
    size = 0
    for group in found:
        head = sum(len(level.head) for level in group.levels)
        pending: list[bytes] = []
        for item in group.items:
            # what is around the items is not repeated more often than its own size allows
            if size + head + len(item) > max(limits.bytes, 2 * head) and (pending or bodies):
                if pending:
                    bodies.append(group.body(pending))
                yield b"".join(bodies)
                bodies, pending, size = [], [], 0
            pending.append(item)
            size += len(item) + _FRAMING
        if pending:
            bodies.append(group.body(pending))
            size += head
    if bodies:
        yield b"".join(bodies)
