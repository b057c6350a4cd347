"""Waiting until everything that stands in the log has reached every sink."""

import asyncio
import time

import nats.errors

from processors.blocks.positions import KvPositions, PositionsUnavailable
from seamark.service.connections import connect_log
from seamark.wire.signals import Signal, stream_name
from tests.chaos.arena import Arena

DRAIN_SECONDS = 120.0


async def drained(arena: Arena, *, within_seconds: float = DRAIN_SECONDS) -> float:
    """Wait until every sink has written every stream to its end; returns the seconds it took.

    Raises TimeoutError naming what is behind, and by how much.
    """
    began = time.monotonic()
    sinks = ("rows", "archive") if arena.has_archive() else ("rows",)
    client = await connect_log(arena.log, name="chaos")
    try:
        jetstream, positions = client.jetstream(timeout=5), KvPositions(client)
        behind = {
            (sink, stream_name(signal, partition))
            for sink in sinks
            for signal in Signal
            for partition in range(arena.log.partitions)
        }
        while behind:
            missing: dict[str, str] = {}
            for sink, stream in sorted(behind):
                try:
                    last = (await jetstream.stream_info(stream)).state.last_seq
                    position = (await positions.read(f"{sink}.{stream}")).position
                except (nats.errors.Error, PositionsUnavailable, OSError) as error:
                    missing[f"{sink}.{stream}"] = repr(error)
                    continue
                done = position.done if position is not None else 0
                if done >= last:
                    behind.discard((sink, stream))
                else:
                    missing[f"{sink}.{stream}"] = f"at {done} of {last}"
            if missing and time.monotonic() - began > within_seconds:
                raise TimeoutError(f"not drained after {within_seconds:.0f} s: {missing}")
            await asyncio.sleep(0.1 if behind else 0)
    finally:
        await client.close()
    return time.monotonic() - began
