"""The four signals, and where each lives in the log and in the store."""

import enum
import zlib


class Signal(enum.StrEnum):
    """One kind of telemetry; the value is its name in subjects, tables and metrics."""

    EVENTS = "events"
    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


def stream_name(signal: Signal, partition: int) -> str:
    """Name of the JetStream stream that holds one partition of one signal."""
    return f"SEAMARK_{signal.value}_{partition}"


def subject(signal: Signal, partition: int) -> str:
    """Subject that the stream of the same partition listens on."""
    return f"seamark.{signal.value}.{partition}"


def input_table(signal: Signal) -> str:
    """Table (ENGINE = Null) that blocks of a signal are inserted into."""
    return f"in_{signal.value}"


def choose_partition(org: str, app: str, sender: str, partitions: int) -> int:
    """Partition for a batch: the same sender always gets the same one.

    `sender` is the batchId where the client gave one (so that a retry meets its first try in the
    same stream, whose readers leave it out), else the session, else the client address. An event
    with an id of its own goes where that id, in place of `sender`, takes it.
    """
    return zlib.crc32(f"{org}\0{app}\0{sender}".encode()) % partitions
