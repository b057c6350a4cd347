"""An OTLP/JSON request that is not in canonical form, read item by item.

The slow way, taken only behind a failure of `otlp_json` or where a name in snake_case stands in the
body. It takes what the reference Collector takes: both spellings of a name, enums by name, integers
with an exponent or as text, null. An item that cannot be read is rejected and becomes a dead letter
as it was sent; its neighbours stay. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import EncodeError
from msgspec import Raw

from collector.receivers.otlp_items import DEEP, REPLACED, BadItem, Sorted, add_group, name_of
from collector.receivers.otlp_json import codec_of
from collector.receivers.otlp_json_text import UNREADABLE, has_snake_names, members_of, readable
from collector.receivers.otlp_json_value import JsonFault, JsonReader, parse
from collector.receivers.otlp_kinds import Kind
from collector.receivers.otlp_wire import WireGroup, WireLevel, too_many_items
from seamark.wire.failures import Rejected
from seamark.wire.limits import OTLP_ITEMS
from seamark.wire.reasons import Reason

_CONTEXTS: Final = 3
_elements: Final = msgspec.json.Decoder(list[Raw]).decode


def sort_json(kind: Kind, body: bytes) -> Sorted:
    """Read a JSON request item by item.

    Raises Rejected (MALFORMED where it is not JSON or holds no field of this request,
    TOO_MANY_EVENTS).
    """
    result = Sorted()
    request = readable(body, result)
    _check_known(kind, request)
    _Walk(kind, result).into(request, kind.descriptor, (), "$")
    left_out = [remark for remark in result.remarks if remark != REPLACED]
    if left_out and not result.offered:
        path = left_out[0].partition(": ")[0]
        raise Rejected(Reason.MALFORMED, "; ".join(left_out), field=path)
    return result


def check_known(kind: Kind, body: bytes) -> None:
    """Look at a JSON object in which the fast way found nothing.

    Raises Rejected (MALFORMED) where it is not empty and no field of it is one of this request.
    """
    _check_known(kind, readable(body, Sorted()))


def _check_known(kind: Kind, members: Mapping[str, Raw]) -> None:
    known = kind.descriptor.fields
    if not members or any(f.json_name in members or f.name in members for f in known):
        return
    given = ", ".join([repr(name[:40]) for name in list(members)[:3]])
    raise Rejected(
        Reason.MALFORMED,
        f"the body has no field that {kind.path} takes (it has {given}); send "
        f"{known[0].json_name!r}",
        field="$",
    )


class _Walk:
    """One pass over a request, from the outside inwards."""

    def __init__(self, kind: Kind, result: Sorted) -> None:
        self._kind = kind
        self._result = result
        self._left = OTLP_ITEMS

    def into(
        self, members: dict[str, Raw], message: Descriptor, levels: tuple[WireLevel, ...], path: str
    ) -> None:
        """Read one message around the items, and what is in it."""
        depth = len(levels)
        for name, number, inner, value in self._ways(members, message, depth):
            field: Any = message.fields_by_number[number]
            if not field.is_repeated:
                each = [value]
            elif (found := self._list(value, f"{path}.{name}")) is not None:
                each = found
            else:
                continue
            self._left -= len(each)
            if self._left < 0:
                raise too_many_items()
            head, fault = self._head(members, message, depth, path)
            own = (*levels, WireLevel(head, number))
            if depth == len(self._kind.steps) - 1:
                self._items(each, inner, own, f"{path}.{name}", fault)
                continue
            for place, raw in enumerate(each):
                at = f"{path}.{name}[{place}]" if field.is_repeated else f"{path}.{name}"
                self._next(raw, inner, own, at, fault)

    def _next(
        self,
        raw: Raw,
        message: Descriptor,
        levels: tuple[WireLevel, ...],
        path: str,
        fault: Rejected | None,
    ) -> None:
        try:
            members = members_of(raw)
        except UNREADABLE:
            self._result.remark(f"{path}: it is not an object and was left out")
            return
        if fault is None:
            self.into(members, message, levels, path)
            return
        # what a metric says of its points cannot be read: none of them means anything
        for name, _, _, value in self._ways(members, message, len(levels)):
            for item in self._list(value, f"{path}.{name}") or ():
                self._result.reject(fault, bytes(item), name_of(message, b"", levels))

    def _ways(
        self, members: dict[str, Raw], message: Descriptor, depth: int
    ) -> Iterator[tuple[str, int, Descriptor, Raw]]:
        """The fields that lead on to items: name as given, number, message, value."""
        numbers = self._kind.steps[depth]
        ways = {}
        for number in numbers:
            field: Any = message.fields_by_number[number]
            name = field.json_name if field.json_name in members else field.name
            if name in members and bytes(members[name]) != b"null":
                ways[name] = name, number, field.message_type, members[name]
        if len(ways) > 1:  # the last member of a oneof counts
            yield ways[[name for name in members if name in ways][-1]]
            return
        yield from ways.values()

    def _list(self, value: Raw, path: str) -> list[Raw] | None:
        try:
            return _elements(value)
        except UNREADABLE:
            self._result.remark(f"{path}: it is not an array and was left out")
            return None

    def _head(
        self, members: dict[str, Raw], message: Descriptor, depth: int, path: str
    ) -> tuple[bytes, Rejected | None]:
        """The message's own fields as protobuf; or why they cannot be read."""
        onwards = {message.fields_by_number[number] for number in self._kind.steps[depth]}
        names = {field.json_name for field in onwards} | {field.name for field in onwards}
        own = {name: parse(bytes(raw)) for name, raw in members.items() if name not in names}
        reader = JsonReader(lenient=depth < _CONTEXTS)
        try:
            content = reader.message(message, own, path, depth=depth)
            head = codec_of(message).message(**content).SerializeToString()
        except JsonFault as fault:
            return b"", _rejected(fault)
        for left_out in reader.left_out:
            self._result.remark(f"{left_out}; it was left out")
        return head, None

    def _items(
        self,
        items: list[Raw],
        message: Descriptor,
        levels: tuple[WireLevel, ...],
        path: str,
        fault: Rejected | None,
    ) -> None:
        good: list[bytes] = []
        kept: list[Raw] = []
        bad: list[BadItem] = []
        for place, raw in enumerate(items):
            found = fault or _item(message, raw, f"{path}[{place}]", depth=len(levels))
            if isinstance(found, Rejected):
                bad.append(BadItem(place, found, bytes(raw), _name(message, raw, levels)))
            else:
                good.append(found)
                kept.append(raw)
        first = self._result.offered
        group = Sorted()
        add_group(group, self._kind, WireGroup(levels, good))
        places = [place for place in range(len(items)) if place not in {b.index for b in bad}]
        bad += [
            BadItem(
                places[b.index],
                b.fault,
                bytes(kept[b.index]),
                _name(message, kept[b.index], levels),
            )
            for b in group.bad
        ]
        self._result.bad += [
            BadItem(first + b.index, b.fault, b.original, b.name)
            for b in sorted(bad, key=lambda b: b.index)
        ]
        self._result.bodies += group.bodies
        self._result.remarks |= group.remarks
        self._result.offered += len(items)


def _item(message: Descriptor, raw: Raw, path: str, *, depth: int) -> bytes | Rejected:
    """One item as protobuf, or why it is rejected."""
    codec = codec_of(message)
    text = bytes(raw)
    if not has_snake_names(text):
        try:
            return codec.message(**codec.decoder.decode(text)).SerializeToString()
        except (ValueError, TypeError, RecursionError, EncodeError):
            pass
    try:
        value = parse(text)
        if value is None:
            return Rejected(Reason.MALFORMED, f"{path}: it is null", field=path)
        content = JsonReader().message(message, value, path, depth=depth)
        return codec.message(**content).SerializeToString()
    except JsonFault as fault:
        return _rejected(fault)
    except (RecursionError, EncodeError):
        return Rejected(Reason.TOO_DEEP, DEEP, field=path)
    except ValueError as error:
        return Rejected(Reason.MALFORMED, f"{path}: {error}", field=path)


def _rejected(fault: JsonFault) -> Rejected:
    if fault.deep:
        return Rejected(Reason.TOO_DEEP, DEEP, field=fault.path)
    return Rejected(Reason.MALFORMED, str(fault), field=fault.path)


def _name(message: Descriptor, raw: Raw, levels: Sequence[WireLevel]) -> str:
    """The name of an item, as `name_of` of `otlp_items`, from its JSON."""
    named: Any = message.fields_by_name.get("name") or message.fields_by_name.get("event_name")
    if named is None:
        return name_of(message, b"", levels)
    try:
        members = members_of(raw)
        value = parse(bytes(members.get(named.json_name, members.get(named.name, Raw(b'""')))))
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
