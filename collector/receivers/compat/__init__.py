"""Routes of clients that predate the native batch, each with the answers they expect."""

from collector.receivers.compat.event_array import EventArray
from collector.receivers.compat.named_events import NamedEvents
from collector.receivers.compat.plain_metrics import PlainMetrics
from collector.receivers.exchange import Ingest, Receiver


def build(ingest: Ingest) -> list[Receiver]:
    """The three receivers of compatibility clients."""
    return [NamedEvents(ingest), EventArray(ingest), PlainMetrics(ingest)]
