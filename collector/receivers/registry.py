"""Every receiver of the HTTP server, in one list: the server, the status page and tests read it."""

from typing import Protocol

from collector.receivers import compat, otlp_http
from collector.receivers.exchange import AdminIngest, BodyLimits, PartIngest, Receiver
from collector.receivers.native import NativeBatch
from collector.receivers.otlp_http import OTLP_LIMITS
from collector.receivers.replay import Replay
from seamark.wire.limits import OTLP_EXPANDED_BYTES


class EveryIngest(AdminIngest, PartIngest, Protocol):
    """What all receivers together ask of the ingest gateway."""


def every_receiver(
    ingest: EveryIngest,
    *,
    otlp: BodyLimits = OTLP_LIMITS,
    otlp_expanded_bytes: int = OTLP_EXPANDED_BYTES,
) -> list[Receiver]:
    """The receivers. `otlp_expanded_bytes`: most that an OTLP request may become in the store."""
    return [
        NativeBatch(ingest),
        Replay(ingest),
        *compat.build(ingest),
        *otlp_http.build(ingest, limits=otlp, expanded_bytes=otlp_expanded_bytes),
    ]
