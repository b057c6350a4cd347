"""An OTLP request as groups of items, cut on the wire without parsing what is inside an item.

Pure: bytes in, values out. A broken item does not hide its neighbours, because each item stands
behind its own length. Wire format: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from collector.receivers.otlp_kinds import Kind
from seamark.wire.envelope import bytes_field
from seamark.wire.failures import Rejected
from seamark.wire.limits import OTLP_ITEMS
from seamark.wire.reasons import Reason

LENGTH_DELIMITED: Final = 2
_VARINT, _I64, _GROUP, _END_GROUP, _I32 = 0, 1, 3, 4, 5
_GROUP_DEPTH: Final = 100
_VARINT_BYTES: Final = 10


class WireField(NamedTuple):
    """One field of a message: where it starts, where its value starts, where both end."""

    number: int
    wire: int
    start: int
    value: int
    end: int


class WireLevel(NamedTuple):
    """One message around the items: its own fields, and the number of the field that leads on."""

    head: bytes
    number: int


@dataclass(frozen=True, slots=True)
class WireGroup:
    """Items that share all messages around them, from the request inwards."""

    levels: tuple[WireLevel, ...]
    items: Sequence[bytes]

    def body(self, items: Sequence[bytes]) -> bytes:
        """A request that holds `items` in the messages of this group."""
        *outer, last = self.levels
        inner = last.head + b"".join([bytes_field(last.number, item) for item in items])
        for level in reversed(outer):
            inner = level.head + bytes_field(level.number, inner)
        return inner

    def bare(self) -> "WireGroup":
        """The same nesting with nothing in the messages but what leads to the items."""
        return WireGroup(tuple([WireLevel(b"", level.number) for level in self.levels]), ())


def fields(body: bytes) -> Iterator[WireField]:
    """The fields of one message, in order. Raises ValueError where the bytes are no message."""
    at, end = 0, len(body)
    while at < end:
        field = _field(body, at, depth=0)
        at = field.end
        if at > end:
            raise ValueError("input ended unexpectedly in the middle of a field")
        yield field


def _field(body: bytes, start: int, *, depth: int) -> WireField:
    key, at = read_varint(body, start)
    number, wire = key >> 3, key & 7
    value = at
    if not number:
        raise ValueError("a field has the number 0")
    if wire == LENGTH_DELIMITED:
        length, value = read_varint(body, at)
        at = value + length
    elif wire == _VARINT:
        _, at = read_varint(body, at)
    elif wire == _I64:
        at += 8
    elif wire == _I32:
        at += 4
    elif wire == _GROUP and depth < _GROUP_DEPTH:
        while True:
            inner = _field(body, at, depth=depth + 1)
            at = inner.end
            if inner.wire == _END_GROUP:
                break
    elif wire != _END_GROUP or not depth:
        raise ValueError(f"a field has the wire type {wire}")
    return WireField(number, wire, start, value, at)


def read_varint(body: bytes, at: int) -> tuple[int, int]:
    """An integer, and where it ends. Raises ValueError where there is none."""
    value = shift = 0
    for place in range(at, min(at + _VARINT_BYTES, len(body))):
        byte = body[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise ValueError("input ended unexpectedly in the middle of a number")


def groups(kind: Kind, body: bytes) -> list[WireGroup]:
    """The groups of a request, in order; those without an item are left out.

    Raises Rejected (MALFORMED where the messages around the items are broken, TOO_MANY_EVENTS).
    """
    walk = _WireWalk(kind)
    try:
        walk.into(body, (), 0)
    except ValueError as error:
        name = kind.descriptor.name
        raise Rejected(Reason.MALFORMED, f"body is not a protobuf {name}: {error}") from None
    return walk.groups


def count_items(kind: Kind, body: bytes) -> int | None:
    """How many items a binary request holds; None where they cannot be told, or are too many."""
    try:
        return sum([len(group.items) for group in groups(kind, body)])
    except Rejected:
        return None


class _WireWalk:
    """One pass over a request."""

    def __init__(self, kind: Kind) -> None:
        self._steps = kind.steps
        self._left = OTLP_ITEMS
        self.groups: list[WireGroup] = []

    def into(self, body: bytes, levels: tuple[WireLevel, ...], depth: int) -> None:
        numbers = self._steps[depth]
        inner: list[bytes] = []
        head: list[bytes] = []
        chosen = numbers[0]
        for field in fields(body):
            if field.wire != LENGTH_DELIMITED or field.number not in numbers:
                head.append(body[field.start : field.end])
                continue
            if field.number != chosen:  # the last member of a oneof counts
                chosen = field.number
                inner.clear()
            inner.append(body[field.value : field.end])
            if len(numbers) == 1:
                self._count()
        own = (*levels, WireLevel(b"".join(head), chosen))
        if depth == len(self._steps) - 1:
            if inner:
                self.groups.append(WireGroup(own, inner))
            return
        if len(numbers) > 1:  # a oneof that occurs twice is merged
            inner = [b"".join(inner)] if inner else []
        for message in inner:
            self.into(message, own, depth + 1)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise too_many_items()


def too_many_items() -> Rejected:
    """The failure of a request with more than `OTLP_ITEMS` in it."""
    return Rejected(
        Reason.TOO_MANY_EVENTS,
        f"more than {OTLP_ITEMS:,} resources, scopes and items (spans, metrics with their data "
        "points, log records) in one request; send fewer at once",
    )
