"""Where a session starts: at the record, or where the sink proves that it already is."""

import asyncio
import logging
import time

from processors import metrics
from processors.blocks import decide
from processors.blocks.dead_letter_limit import DeadLetterQuota
from processors.blocks.dedup.prepare import prepare
from processors.blocks.parts import Parts
from processors.blocks.positions import Recorded
from processors.blocks.proof import reconcile
from processors.blocks.session import StreamSession
from seamark.wire.positions import position_key
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)


async def open_session(
    signal: Signal,
    stream: str,
    parts: Parts,
    *,
    limiter: DeadLetterQuota,
    prove: bool,
    stop: asyncio.Event,
) -> StreamSession:
    """Read the record, check the log against it, and open a reader behind it.

    `prove`: compare the record with what the sink has, which is always done when there is none.
    Raises LogRegressed, StreamMissing, LogLost, PositionsUnavailable, DedupIndexUnavailable, and to
    prove it PositionContradicted, SinkUnavailable, Fenced.
    """
    recorded = await _position(stream, parts, prove=prove)
    log_state = await parts.log.state(stream)
    state = decide.resume(stream, recorded.position, log_state)
    index = parts.dedup.of(stream)
    await prepare(index, parts.log, stream, position=state.position, stop=stop)
    reader = await parts.log.open(stream, after=state.inserted, buffer_bytes=parts.buffer_bytes)
    return StreamSession(
        signal,
        stream,
        parts,
        recorded=recorded,
        state=state,
        reader=reader,
        limiter=limiter,
        stop=stop,
    )


async def _position(stream: str, parts: Parts, *, prove: bool) -> Recorded:
    """The record; where the sink proves a higher one, that, written."""
    key = position_key(parts.sink.name, stream)
    recorded = await parts.positions.read(key)
    log_state = await parts.log.state(stream)
    done = recorded.position.done if recorded.position else max(log_state.first, 1) - 1
    metrics.LAG.labels(parts.sink.name, stream).set(max(0, log_state.last - done))
    if recorded.position is not None and not prove:
        return recorded
    last = await parts.sink.last_block(stream)
    position = reconcile(
        recorded.position,
        last,
        stream=stream,
        log=log_state,
        now_ms=time.time_ns() // 1_000_000,
        traced=parts.sink.notices,
    )
    if position is None or position == recorded.position:
        return recorded
    logger.warning(
        "the position is taken from the sink: the record is missing or behind",
        extra={"sink": parts.sink.name, "stream": stream, "record": recorded.position}
        | {"position": position},
    )
    return await parts.positions.write(key, position, revision=recorded.revision)
