"""What OTLP's two transports do alike: take one request and report its outcome."""

import asyncio
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from collector.admission.redaction.rules import Redactor
from collector.receivers.exchange import Admitted, BodyPart, Head, PartIngest
from collector.receivers.otlp_check import Examined, dead_letters, examine, examine_json
from collector.receivers.otlp_items import Sorted
from collector.receivers.otlp_json_chunks import count_json_items, json_chunks
from collector.receivers.otlp_kinds import Kind
from collector.receivers.otlp_parts import (
    PartLimits,
    chunks,
    exact_weight,
    expanded_too_large,
    limits_for,
)
from collector.receivers.otlp_wire import count_items, too_many_items
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected
from seamark.wire.limits import OTLP_EXPANDED_BYTES, OTLP_ITEMS

_PRODUCT: Final = re.compile(r"([A-Za-z][A-Za-z0-9 ._+-]{0,63})/([A-Za-z0-9][A-Za-z0-9.+_-]{0,31})")
_MOST_REMARKS: Final = 5


@functools.lru_cache(maxsize=1024)
def sdk_of(user_agent: str) -> tuple[str, str]:
    """Name and version of an exporter, from the first product of its User-Agent (RFC 9110 §10.1.5).

    A browser sends its own ("Mozilla/5.0 …"), which says nothing of the SDK: ("", "").
    """
    product = _PRODUCT.match(user_agent)
    if product is None or product[1] == "Mozilla":
        return "", ""
    return product[1], product[2]


@dataclass(frozen=True, slots=True)
class Exported:
    """The outcome of one accepted request: full success, or what to tell the sender."""

    kind: Kind
    rejected: int
    remark: str

    def encode(self) -> bytes:
        """The Export…ServiceResponse, binary. Full success is the empty message."""
        if not self.remark:
            return b""
        partial = {self.kind.rejected_field: self.rejected, "error_message": self.remark}
        return self.kind.response(partial_success=partial).SerializeToString()

    def encode_json(self) -> bytes:
        """The same as proto3 JSON: 64-bit integers are text, zero is left out."""
        if not self.remark:
            return b"{}"
        partial = {self.kind.rejected_json: str(self.rejected)} if self.rejected else {}
        return msgspec.json.encode({"partialSuccess": partial | {"errorMessage": self.remark}})


@dataclass(slots=True)
class _Pieces:
    """What was made of a request so far; most are one piece."""

    redactor: Redactor
    examined: list[Examined] = field(default_factory=list)
    offered: int = 0
    weight: int = 0
    remarks: dict[str, None] = field(default_factory=dict)

    def add(self, examined: Examined) -> None:
        self.examined.append(examined)
        self.offered += examined.outcome.offered
        self.weight += examined.weight
        if examined.remark:
            self.remarks.setdefault(examined.remark)

    @property
    def rejected(self) -> int:
        return sum(e.outcome.offered - e.outcome.accepted for e in self.examined)

    def parts(self) -> Iterator[BodyPart]:
        """The frames to be; the first of each piece counts what was rejected of it."""
        for number, part in enumerate(self._counted()):
            yield replace(part, outcome=replace(part.outcome, part=number)) if number else part

    def _counted(self) -> Iterator[BodyPart]:
        """The same, without their numbers."""
        first = 0
        for examined in self.examined:
            outcome = examined.outcome
            found = (
                dead_letters(examined, first, redactor=self.redactor) if examined.removed else ()
            )
            first += outcome.offered
            lost = outcome.offered - outcome.accepted
            for part in examined.parts:
                own = Outcome(part.items + lost, part.items, outcome.rejected if lost else {})
                yield BodyPart(part.body, own, part.weight, found)
                lost, found = 0, ()
            if lost:
                yield BodyPart(b"", outcome, 0, found)


async def export(
    ingest: PartIngest,
    admitted: Admitted,
    head: Head,
    kind: Kind,
    body: bytes,
    *,
    json: bool = False,
    expanded_bytes: int = OTLP_EXPANDED_BYTES,
) -> Exported:
    """Check one request and put it into the log; returns once the log has all of it.

    A large one is checked piece by piece, so that others are served in between. A request in which
    nothing was offered is a success that leaves no trace. One in which all was rejected goes into
    the log without a body, for the ledger. Raises Rejected or Unavailable.
    """
    limits = limits_for(ingest.frame_bytes, expanded=expanded_bytes)
    try:
        pieces = await _examine(kind, body, limits, json=json, redactor=admitted.redactor)
    except Rejected as failure:
        failure.items = count_json_items(kind, body) if json else count_items(kind, body)
        raise
    if pieces.offered:
        await ingest.append_parts(admitted, head, signal=kind.signal, parts=list(pieces.parts()))
    remark = "; ".join(list(pieces.remarks)[:_MOST_REMARKS])
    return Exported(kind, pieces.rejected, remark)


async def _examine(
    kind: Kind, body: bytes, limits: PartLimits, *, json: bool, redactor: Redactor
) -> _Pieces:
    told = Sorted()
    found: Iterable[bytes] = (
        json_chunks(kind, body, limits, told=told) if json else chunks(kind, body, limits)
    )
    pieces = _Pieces(redactor)
    for chunk in found:
        if pieces.examined:
            await asyncio.sleep(0)
        read = examine_json if json else examine
        pieces.add(read(kind, chunk, limits, redactor=redactor))
        if pieces.offered > OTLP_ITEMS:
            raise too_many_items()
    pieces.remarks |= told.remarks
    if len(pieces.examined) > 1 and pieces.weight > limits.expanded:
        await _check_weight(kind, pieces, limits)
    return pieces


async def _check_weight(kind: Kind, pieces: _Pieces, limits: PartLimits) -> None:
    """Count exactly what was bounded from above. Raises Rejected (EXPANDED_TOO_LARGE)."""
    total = 0
    for examined in pieces.examined:
        for part in examined.parts:
            total += exact_weight(kind, part.body)
            if total > limits.expanded:
                raise expanded_too_large(total, limits)
            await asyncio.sleep(0)
