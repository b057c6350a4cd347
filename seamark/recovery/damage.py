"""Damage that counts do not show: of the log, the spool, and what the store says it lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient

from seamark.recovery.positions import PositionRecord
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.statements import statement_of
from seamark.recovery.store import RecoveryStore
from seamark.wire.log_state import LogRegressed, LogState, check_log
from seamark.wire.signals import Signal, stream_name, subject

_MOST_PARTITIONS: Final = 256


class _State(msgspec.Struct):
    deleted: list[int] = []


class _Info(msgspec.Struct):
    state: _State


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream as the log has it. `gone`: sequences between first and last that it lost."""

    name: str
    subject: str
    first: int
    last: int
    created_ns: int
    gone: tuple[int, ...] = ()


async def read_streams(client: NatsClient) -> list[StreamState]:
    """Every stream of a signal. Raises RecoveryError."""
    js = client.jetstream(timeout=10)
    found = []
    for signal in Signal:
        for partition in range(_MOST_PARTITIONS):
            name = stream_name(signal, partition)
            try:
                info = await js.stream_info(name)
                gone = await _deleted(client, name) if info.state.num_deleted else []
            except nats.js.errors.NotFoundError:
                break
            except (nats.errors.Error, OSError) as error:
                raise RecoveryError(f"the log does not answer: {error!r}") from error
            found.append(
                StreamState(
                    name,
                    subject(signal, partition),
                    info.state.first_seq,
                    info.state.last_seq,
                    int(info.created.timestamp() * 1e9) if info.created else 0,
                    tuple(gone),
                )
            )
    return found


async def _deleted(client: NatsClient, name: str) -> list[int]:
    """Sequences that a stream no longer has; nats-py does not ask for them."""
    answer = await client.request(
        f"$JS.API.STREAM.INFO.{name}", b'{"deleted_details": true}', timeout=10
    )
    return msgspec.json.decode(answer.data, type=_Info).state.deleted


def log_damage(streams: Sequence[StreamState], records: Sequence[PositionRecord]) -> list[str]:
    """Streams that are not what the sinks read, and messages that are gone unread. Pure."""
    by_name = {stream.name: stream for stream in streams}
    found = []
    for record in records:
        stream = by_name.get(record.stream)
        if stream is None:
            found.append(f"the log has no stream {record.stream}, but {record.sink} has read it")
            continue
        try:
            check_log(record.position, LogState(stream.first, stream.last, stream.created_ns))
        except LogRegressed as error:
            found.append(f"{record.sink} and the log disagree about {stream.name}: {error}")
        unread = [one for one in stream.gone if one > record.position.done]
        if unread:
            found.append(
                f"{len(unread)} messages of {stream.name} are gone from the log before "
                f"{record.sink} had read them, the first is {unread[0]}"
            )
    return found


def spool_damage(stack: Stack) -> list[str]:
    """Segments of the collector's spool that could not be read and were put aside."""
    spool = Path(stack.folder.part("spool")) if stack.folder is not None else None
    if spool is None or not spool.is_dir():
        return []
    return [
        f"{path} of the spool could not be read: requests in it were accepted and are not stored"
        for path in sorted(spool.rglob("*.damaged"))
    ]


async def store_damage(store: RecoveryStore) -> list[str]:
    """What the store says it lost and was not filled in again."""
    if not await store.value(
        "SELECT count() AS n FROM system.tables WHERE database = {d:String}"
        " AND name = 'damaged_parts'",
        params={"d": store.database},
    ):
        return []
    return [
        f"{row['n']} parts of {row['table']} {row['partition']} are lost ({row['rows']:,} rows): "
        "`seamark repair` fills them in again"
        for row in await store.rows(statement_of("lost_parts", database=store.database))
    ]
