"""Routes that clients from before the native batch send to, each with the answers they expect."""

from collector.receivers.exchange import Door, Receiver
from collector.receivers.older.event_array import EventArray
from collector.receivers.older.named_events import NamedEvents
from collector.receivers.older.plain_metrics import PlainMetrics


def build(door: Door) -> list[Receiver]:
    """The three receivers of older clients."""
    return [NamedEvents(door), EventArray(door), PlainMetrics(door)]
