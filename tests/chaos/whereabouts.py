"""Where a request went that the store has lost or doubled: what the log itself holds of it.

It stands in the log: the loss is behind it (the processor, the store). It does not, though it was
accepted: the log lost it, or it was never there (nats-server, the collector).
"""

import io
import re
from collections import defaultdict
from collections.abc import Collection

import nats.errors
import nats.js.errors
import zstandard
from nats.js.client import JetStreamContext

from seamark.service.connections import connect_log
from seamark.wire.signals import Signal, stream_name
from tests.chaos.arena import Arena

_NAME = re.compile(rb"[a-z]+-\d+-\d+")


async def whereabouts(arena: Arena, names: Collection[str]) -> list[str]:
    """One line for each request: where it stands in the log; and a line for each stream."""
    found: dict[str, list[str]] = defaultdict(list)
    lines: list[str] = []
    client = await connect_log(arena.log, name="chaos-whereabouts")
    try:
        jetstream = client.jetstream(timeout=5)
        for signal in Signal:
            for partition in range(arena.log.partitions):
                lines.append(await _look(jetstream, stream_name(signal, partition), found))
    except (nats.errors.Error, OSError) as error:
        lines.append(f"the log cannot be asked: {error!r}")
    finally:
        await client.close()
    return lines + [f"{name}: in the log at {found.get(name) or 'no place'}" for name in names]


async def _look(jetstream: JetStreamContext, stream: str, found: dict[str, list[str]]) -> str:
    state = (await jetstream.stream_info(stream)).state
    missing = []
    for sequence in range(max(1, state.first_seq), state.last_seq + 1):
        try:
            message = await jetstream.get_msg(stream, sequence, direct=True)
        except nats.js.errors.NotFoundError:
            missing.append(sequence)
            continue
        reader = zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(message.data or b""), read_across_frames=True
        )
        for name in set(_NAME.findall(reader.read())):
            found[name.decode()].append(f"{stream}:{sequence} ({message.time})")
    gaps = f", missing {missing}" if missing else ""
    return f"{stream}: {state.first_seq} to {state.last_seq}, {state.messages} messages{gaps}"
