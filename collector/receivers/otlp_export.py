"""What OTLP's two transports do alike: take one request and report its outcome."""

import functools
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from collector.receivers.exchange import Admitted, Head, Ingest
from collector.receivers.otlp_check import Examined, dead_letters
from collector.receivers.otlp_kinds import Kind

_PRODUCT: Final = re.compile(r"([A-Za-z][A-Za-z0-9 ._+-]{0,63})/([A-Za-z0-9][A-Za-z0-9.+_-]{0,31})")


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


async def export(
    ingest: Ingest, admitted: Admitted, head: Head, kind: Kind, examined: Examined
) -> Exported:
    """Put one checked request into the log; returns once the log has it.

    A request in which nothing was offered is a success that leaves no trace. One in which all was
    rejected goes into the log without a body, for the ledger. Raises Rejected or Unavailable.
    """
    if examined.outcome.offered:
        await ingest.append(
            admitted,
            head,
            signal=kind.signal,
            body=examined.body,
            outcome=examined.outcome,
            dead_letters=dead_letters(examined) if examined.cut or examined.bad else (),
        )
    rejected = examined.outcome.offered - examined.outcome.accepted
    return Exported(kind, rejected, examined.remark)
