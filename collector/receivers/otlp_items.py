"""A request that protobuf cannot read as a whole: its items one by one, the bad ones taken out.

The slow way, taken only behind a failure. Text that is not UTF-8 is mended; an item that cannot be
is rejected and becomes a dead letter; its neighbours stay. Of a resource or scope only the members
that cannot be read are left out. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from collector.receivers.otlp_kinds import Kind
from collector.receivers.otlp_mend import Mend, TooDeep
from collector.receivers.otlp_wire import LENGTH_DELIMITED, WireGroup, WireLevel, fields, groups
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

REPLACED = "text that was not UTF-8 was replaced by U+FFFD"
DEEP = "attribute values are nested too deep; 100 messages is the most"
_CONTEXTS: Final = 3
"""The request, its resources and their scopes: context, of which parts may be left out."""
_METRIC: Final = 3
"""The level at which a data point's metric is."""


@dataclass(frozen=True, slots=True)
class BadItem:
    """One item that is rejected: its place among all items of the request, why, and its bytes."""

    index: int
    fault: Rejected
    original: bytes
    name: str = ""


@dataclass(slots=True)
class Sorted:
    """What was made of a request: a body that can be read, and what is not in it.

    `offered` counts all items, `remarks` are for the sender.
    """

    offered: int = 0
    bodies: list[bytes] = field(default_factory=list)
    bad: list[BadItem] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The request without the bad items; nothing when no item is left."""
        return b"".join(self.bodies)

    def remark(self, text: str) -> None:
        """Tell the sender; each text once."""
        self.remarks.setdefault(text)

    def reject(self, fault: Rejected, original: bytes, name: str = "") -> None:
        """The next item is a bad one."""
        self.bad.append(BadItem(self.offered, fault, original, name))
        self.offered += 1


def sort_items(kind: Kind, body: bytes) -> Sorted:
    """Read a binary request item by item.

    Raises Rejected (MALFORMED where not even the items can be found, TOO_MANY_EVENTS).
    """
    result = Sorted()
    for group in groups(kind, body):
        add_group(result, kind, group)
    return result


def add_group(result: Sorted, kind: Kind, group: WireGroup) -> None:
    """Put the good items of one group into `result.bodies`, the others among the bad ones."""
    whole = group.body(group.items)
    if _fault(kind, whole) is None:
        result.offered += len(group.items)
        result.bodies.append(whole)
        return
    messages = _messages(kind, group)
    try:
        levels = _context(kind, group.levels, messages, result)
    except ValueError as error:
        fault = _rejected(error)
        for item in group.items:
            result.reject(fault, item, name_of(messages[-1], item, group.levels))
        return
    good = list(_good(kind, group, messages[-1], result))
    if good:
        result.bodies.append(WireGroup(levels, ()).body(good))


def _good(kind: Kind, group: WireGroup, message: Descriptor, result: Sorted) -> Iterator[bytes]:
    bare = group.bare()
    for item in group.items:
        taken, fault = item, _fault(kind, bare.body([item]))
        if fault is not None:
            try:
                taken = Mend().message(message, item, depth=len(bare.levels))
            except ValueError as error:
                fault = _rejected(error)
            else:
                fault = _fault(kind, bare.body([taken]))
                result.remark(REPLACED)
        if fault is None:
            result.offered += 1
            yield taken
        else:
            result.reject(fault, item, name_of(message, item, group.levels))


def _context(
    kind: Kind, levels: Sequence[WireLevel], messages: Sequence[Descriptor], result: Sorted
) -> tuple[WireLevel, ...]:
    """The messages around the items, readable. Raises ValueError where they cannot be made so."""
    mended: list[WireLevel] = []
    for depth, (level, message) in enumerate(zip(levels, messages, strict=False)):
        mend = Mend(lenient=depth < _CONTEXTS)
        head = mend.message(message, level.head, depth=depth)
        if mend.left_out:
            result.remark(f"{', '.join(mend.left_out)} of {message.name} could not be read")
        elif head != level.head:
            result.remark(REPLACED)
        mended.append(WireLevel(head, level.number))
    if (fault := _fault(kind, WireGroup(tuple(mended), ()).body([]))) is not None:
        raise ValueError(fault.message)
    return tuple(mended)


def _messages(kind: Kind, group: WireGroup) -> list[Descriptor]:
    """The message types from the request to the item."""
    found: Any = kind.descriptor
    messages = [found]
    for level in group.levels:
        found = found.fields_by_number[level.number].message_type
        messages.append(found)
    return messages


def _fault(kind: Kind, body: bytes) -> Rejected | None:
    try:
        kind.request.FromString(body)
    except DecodeError as error:
        return fault_of(error)
    return None


def fault_of(error: DecodeError) -> Rejected:
    """What protobuf's error means."""
    cause = str(error).rpartition(": ")[2]
    if "MaxDepth" in cause:
        return Rejected(Reason.TOO_DEEP, DEEP)
    return Rejected(Reason.MALFORMED, f"it is not a protobuf message: {cause.lower()}")


def _rejected(error: ValueError) -> Rejected:
    if isinstance(error, TooDeep):
        return Rejected(Reason.TOO_DEEP, DEEP)
    return Rejected(Reason.MALFORMED, f"it is not a protobuf message: {error}")


def name_of(message: Descriptor, item: bytes, levels: Sequence[WireLevel]) -> str:
    """The name of a span, a log record's event name or a point's metric, as far as it is there."""
    named: Any = message.fields_by_name.get("name") or message.fields_by_name.get("event_name")
    if named is not None:
        return _text(item, named.number)
    return _text(levels[_METRIC].head, 1) if len(levels) > _METRIC else ""


def _text(message: bytes, number: int) -> str:
    try:
        for found in fields(message):
            if found.number == number and found.wire == LENGTH_DELIMITED:
                return message[found.value : found.end].decode("utf-8", "replace")
    except ValueError:
        pass
    return ""
