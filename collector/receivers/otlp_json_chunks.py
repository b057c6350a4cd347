"""A large OTLP/JSON request as smaller ones, cut without reading what is inside an item. Pure."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from google.protobuf.descriptor import Descriptor
from msgspec import Raw

from collector.receivers.otlp_items import Sorted
from collector.receivers.otlp_json_text import BYTE_ORDER_MARK, UNREADABLE, members_of, readable
from collector.receivers.otlp_kinds import Kind
from collector.receivers.otlp_parts import PartLimits
from collector.receivers.otlp_wire import too_many_items
from seamark.wire.failures import Rejected
from seamark.wire.limits import OTLP_ITEMS

_elements: Final = msgspec.json.Decoder(list[Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


class _Run(NamedTuple):
    """Items that share everything around them, up to but without the request itself."""

    before: bytes
    items: list[Raw]
    after: bytes


def json_chunks(kind: Kind, body: bytes, limits: PartLimits, *, told: Sorted) -> Iterator[bytes]:
    """A JSON request as requests of about `limits.bytes`, in order; `told` gets remarks.

    One whose structure is not that of a request comes as it is. Raises Rejected (MALFORMED,
    TOO_MANY_EVENTS).
    """
    if len(body) <= limits.bytes:
        yield body
        return
    body = body.removeprefix(BYTE_ORDER_MARK)
    members = readable(body, told)
    try:
        [name], runs = _runs(kind, members)
    except (*UNREADABLE, ValueError):
        yield body
        return
    opening, closing = b"{%s:[" % _encode(name), b"]}"
    pieces: list[bytes] = []
    size = 0
    for run in runs:
        around = len(run.before) + len(run.after)
        pending: list[Raw] = []
        for item in run.items:
            if size + around + len(item) > max(limits.bytes, 2 * around) and (pending or pieces):
                if pending:
                    pieces.append(_join(run, pending))
                yield opening + b",".join(pieces) + closing
                pieces, pending, size = [], [], 0
            pending.append(item)
            size += len(item) + 1
        if pending:
            pieces.append(_join(run, pending))
            size += around
    if pieces:
        yield opening + b",".join(pieces) + closing


def count_json_items(kind: Kind, body: bytes) -> int | None:
    """How many items a JSON request holds; None where they cannot be told, or are too many."""
    try:
        members = readable(body.removeprefix(BYTE_ORDER_MARK), Sorted())
        return sum([len(run.items) for run in _runs(kind, members)[1]]) or None
    except (*UNREADABLE, ValueError, Rejected):
        return None


def _join(run: _Run, items: list[Raw]) -> bytes:
    return b"".join((run.before, b",".join([bytes(item) for item in items]), run.after))


def _runs(kind: Kind, members: dict[str, Raw]) -> tuple[list[str], list[_Run]]:
    """The name of the request's member, in a list, and the runs. Raises what the readers raise."""
    walk = _ChunkWalk(kind)
    names = []
    for name, field in walk.ways(members, kind.descriptor, 0):
        names.append(name)
        for raw in _elements(members[name]):
            walk.into(members_of(raw), field.message_type, 1, b"", b"")
    return names, walk.runs


class _ChunkWalk:
    def __init__(self, kind: Kind) -> None:
        self._steps = kind.steps
        self._left = OTLP_ITEMS
        self.runs: list[_Run] = []

    def ways(
        self, members: dict[str, Raw], message: Descriptor, depth: int
    ) -> list[tuple[str, Any]]:
        """The member that leads to the items; of a oneof the last one."""
        fields: list[Any] = [message.fields_by_number[number] for number in self._steps[depth]]
        named = {name: field for field in fields for name in (field.json_name, field.name)}
        found = [(name, named[name]) for name in members if name in named]
        return [(name, field) for name, field in found if bytes(members[name]) != b"null"][-1:]

    def into(
        self,
        members: dict[str, Raw],
        message: Descriptor,
        depth: int,
        before: bytes,
        after: bytes,
    ) -> None:
        for name, field in self.ways(members, message, depth):
            own = [_member(key, raw) for key, raw in members.items() if key != name]
            own.append(_encode(name) + (b":[" if field.is_repeated else b":"))
            opening = before + b"{" + b",".join(own)
            closing = (b"]}" if field.is_repeated else b"}") + after
            each = _elements(members[name]) if field.is_repeated else [members[name]]
            self._left -= len(each)
            if self._left < 0:
                raise too_many_items()
            if depth == len(self._steps) - 1:
                self.runs.append(_Run(opening, each, closing))
                continue
            for raw in each:
                self.into(members_of(raw), field.message_type, depth + 1, opening, closing)


def _member(name: str, value: Raw) -> bytes:
    return _encode(name) + b":" + bytes(value)
