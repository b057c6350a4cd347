"""The processors' own metrics: every one is declared here before it is emitted."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_STREAM: Final = ("sink", "stream")

LAG: Final = Gauge(
    "seamark_processor_lag_messages", "Messages in the log that the sink has not got.", _STREAM
)
LAG_ALL: Final = Gauge(
    "seamark_processor_lag_all_messages", "The same of all streams together.", ("sink",)
)
POSITION: Final = Gauge(
    "seamark_processor_position", "Last sequence known to be in the sink.", _STREAM
)
INSERTS: Final = Counter("seamark_processor_inserts", "Blocks the sink took.", _STREAM)
INSERT_SECONDS: Final = Histogram(
    "seamark_processor_insert_seconds",
    "Time of one try to insert a block, whatever came of it.",
    ("sink",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BLOCK_MESSAGES: Final = Histogram(
    "seamark_processor_block_messages",
    "Log messages in a block that was sent.",
    ("sink",),
    buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536),
)
BLOCK_BYTES: Final = Histogram(
    "seamark_processor_block_bytes",
    "Compressed bytes in a block that was sent.",
    ("sink",),
    buckets=tuple(1024 * 4**power for power in range(9)),
)
RETRIES: Final = Counter(
    "seamark_processor_retries",
    "Tries that failed and are made again with the same token.",
    ("sink", "stream", "reason"),
)
GAPS: Final = Counter(
    "seamark_processor_gap_messages",
    "Sequences that were never delivered: expired, purged or corrupt before they were read.",
    _STREAM,
)
DUPLICATES: Final = Counter(
    "seamark_processor_duplicate_frames",
    "Frames not written because they are a client's retry of an earlier batch.",
    _STREAM,
)
DUPLICATE_EVENTS: Final = Counter(
    "seamark_processor_duplicate_events",
    "Events not written because their id was there before, in frames that were not left out.",
    _STREAM,
)
ID_REUSED: Final = Counter(
    "seamark_processor_id_reused_events",
    "Events dead-lettered because their id, or their batch's, was used before for other content.",
    _STREAM,
)
PAUSED: Final = Gauge(
    "seamark_processor_paused",
    "1 while the sink is paused because the store is being copied.",
    _STREAM,
)
STALLED: Final = Gauge(
    "seamark_processor_stalled",
    "1 while messages wait and none of the stream was written for a minute.",
    _STREAM,
)
STOPPED: Final = Gauge(
    "seamark_processor_stopped",
    "1 while a stream is stopped until an operator acts: too much of it is refused, or the record "
    "of its position contradicts the sink.",
    _STREAM,
)
FENCED: Final = Counter(
    "seamark_processor_fenced", "Times a stream was lost to another reader.", _STREAM
)
REFUSED: Final = Counter(
    "seamark_processor_refused_blocks",
    "Blocks the sink did not take; they are halved until one message, then one frame, is left.",
    ("sink", "stream", "reason"),
)
DEAD_LETTERED: Final = Counter(
    "seamark_processor_dead_letters", "Frames put into the dead-letter stream.", _STREAM
)
POSITION_WRITES: Final = Counter(
    "seamark_processor_position_writes", "Position records written.", _STREAM
)
LOG_REGRESSED: Final = Gauge(
    "seamark_processor_log_regressed",
    "1 while the stream holds less than was already read from it; an operator has to decide.",
    _STREAM,
)


def behind(sink: str, stream: str, messages: int) -> None:
    """What a sink has not got of a stream, and so of all of them."""
    LAG.labels(sink, stream).set(messages)
    (lag,) = LAG.collect()
    LAG_ALL.labels(sink).set(sum(s.value for s in lag.samples if s.labels["sink"] == sink))
