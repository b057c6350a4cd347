"""The head of each stream: the message that a sink is to take next, and giving it up.

What stops a stream is its head. It is shown with whose frames it holds; to skip it is to let the
sink put what it refuses of it into the dead letters, which only the sink itself does, so that the
ledger counts it and nothing is both stored and dead-lettered (`processors.blocks.skip`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.api import RawStreamMsg

from seamark.recovery.positions import SINKS, PositionRecord, bucket_of, read_records
from seamark.recovery.stack import RecoveryError
from seamark.wire.frames import WEIGHT_HEADER
from seamark.wire.positions import SkipRecord, skip_key
from seamark.wire.reading import EnvelopeReader, UnreadableEnvelope
from seamark.wire.signals import Signal, subject
from seamark.wire.zstd_frames import frames_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HeadFrame:
    """One frame of a head: whose it is, and how much; all "" and 0 where it cannot be read."""

    frame: int
    size_bytes: int
    org: str = ""
    app: str = ""
    receipt: str = ""
    items: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The message a sink is to take next. `sequence` 0: none waits.

    `messages`: how many the block holds that the sink is writing, of which this is the first;
    `waiting`: how many of the stream it has not got; `weight`: 0 where the message says none.
    """

    sink: str
    stream: str
    sequence: int
    messages: int
    waiting: int
    stored: str = ""
    size_bytes: int = 0
    weight: int = 0
    frames: tuple[HeadFrame, ...] = ()


async def heads(client: NatsClient, *, sinks: Sequence[str] = SINKS) -> list[Head]:
    """Of every stream that a sink has read from. Raises RecoveryError."""
    records = await read_records(await bucket_of(client))
    return [(await _head(client, one))[0] for one in records if one.sink in sinks]


async def skip(client: NatsClient, *, sink: str, stream: str, sequence: int | None) -> Head:
    """Let a sink give up its head; what was told to be given up. Raises RecoveryError.

    `sequence`: a message of the block that the sink is writing; None: its head, where that is all.
    """
    bucket = await bucket_of(client)
    for record in await read_records(bucket):
        if (record.sink, record.stream) == (sink, stream):
            break
    else:
        raise RecoveryError(f"{sink} has no position in a stream {stream}: see what `show` lists")
    head, message = await _head(client, record)
    if message is None:
        raise RecoveryError(f"nothing of {stream} waits for {sink}: there is nothing to skip")
    if sequence is None and head.messages > 1:
        raise RecoveryError(
            f"{sink} is writing {head.messages} messages of {stream} at once, from {head.sequence} "
            "on: wait until it has found the one at fault, or name it with --sequence"
        )
    wanted = head.sequence if sequence is None else sequence
    if not head.sequence <= wanted < head.sequence + head.messages:
        raise RecoveryError(
            f"message {wanted} of {stream} is not what {sink} is writing, which is "
            f"{head.sequence} to {head.sequence + head.messages - 1}"
        )
    if wanted != head.sequence:
        message = await _message(client, stream, wanted)
        if message is None or message.seq != wanted:
            raise RecoveryError(f"{stream} has no message {wanted}")
    told = SkipRecord(sequence=wanted, stored_us=_stored_us(message))
    await bucket.put(skip_key(sink, stream), msgspec.json.encode(told))
    return _described(record, message, waiting=head.waiting)


async def _head(client: NatsClient, record: PositionRecord) -> tuple[Head, RawStreamMsg | None]:
    done = record.position.done
    try:
        state = (await client.jetstream(timeout=10).stream_info(record.stream)).state
    except (nats.errors.Error, OSError) as error:
        raise RecoveryError(f"{record.stream} cannot be read: {error!r}") from error
    message = None
    if state.last_seq > done:
        message = await _message(client, record.stream, done + 1)
    if message is None:
        return Head(record.sink, record.stream, 0, 0, 0), None
    return _described(record, message, waiting=state.last_seq - done), message


async def _message(client: NatsClient, stream: str, sequence: int) -> RawStreamMsg | None:
    """The first message of a stream from `sequence` on."""
    signal, _, partition = stream.removeprefix("SEAMARK_").rpartition("_")
    on = subject(Signal(signal), int(partition))
    try:
        return await client.jetstream(timeout=10).get_msg(stream, sequence, on, next=True)
    except nats.js.errors.NotFoundError:
        return None
    except (nats.errors.Error, OSError) as error:
        raise RecoveryError(f"message {sequence} of {stream} cannot be read: {error!r}") from error


def _described(record: PositionRecord, message: RawStreamMsg, *, waiting: int) -> Head:
    sequence, data = message.seq or 0, message.data or b""
    return Head(
        record.sink,
        record.stream,
        sequence,
        messages=max(1, record.position.end - sequence + 1),
        waiting=waiting,
        stored=message.time.isoformat(timespec="milliseconds") if message.time else "",
        size_bytes=len(data),
        weight=int((message.headers or {}).get(WEIGHT_HEADER, 0)),
        frames=tuple(_frame(number, frame) for number, frame in enumerate(frames_of(data))),
    )


def _frame(number: int, frame: bytes) -> HeadFrame:
    try:
        opened = EnvelopeReader().open(frame)
        return HeadFrame(
            number, len(frame), opened.org, opened.app, opened.receipt, opened.outcome.accepted
        )
    except UnreadableEnvelope:
        return HeadFrame(number, len(frame))


def _stored_us(message: RawStreamMsg) -> int:
    return (message.time - _EPOCH) // timedelta(microseconds=1) if message.time else 0


def chosen_sinks(sink: str) -> Sequence[str]:
    """The sinks meant by an option: all for "". Raises RecoveryError."""
    if sink and sink not in SINKS:
        raise RecoveryError(f"--sink {sink!r} is none of {', '.join(SINKS)}")
    return (sink,) if sink else SINKS


def as_json(found: Sequence[Head]) -> str:
    """For programs."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def table(found: Sequence[Head]) -> str:
    """For people: a line for each head, and one for each of its frames."""
    if not found:
        return "nothing waits in any stream"
    lines = []
    for head in found:
        if not head.sequence:
            lines.append(f"{head.sink:<8} {head.stream:<20} nothing waits")
            continue
        block = f" (of {head.messages:,} that are written at once)" if head.messages > 1 else ""
        lines.append(
            f"{head.sink:<8} {head.stream:<20} message {head.sequence:,}{block} of {head.stored}, "
            f"{head.size_bytes:,} bytes, weight {head.weight:,}; {head.waiting:,} wait"
        )
        lines += [
            f"    frame {one.frame}: {one.size_bytes:,} bytes, "
            + (
                f"{one.org}/{one.app}, {one.items:,} items accepted, receipt {one.receipt}"
                if one.org
                else "cannot be read"
            )
            for one in head.frames
        ]
    return "\n".join(lines)
