"""Waiting until every process that watches the bucket has been sent a change.

The server knows the last revision that it delivered to each watch. So a request that makes a key or
disables an app is answered when every process has been sent the change.
"""

import asyncio
from typing import Final

from nats.js.client import JetStreamContext

from seamark.wire.buckets import CONFIG_BUCKET

_LOOK_SECONDS: Final = 0.01
_SETTLE_SECONDS: Final = 0.03
"""From the socket of a watching process into its memory."""
_STREAM: Final = f"KV_{CONFIG_BUCKET}"


async def reached_all(jetstream: JetStreamContext, revision: int, *, seconds: float) -> bool:
    """Wait until all watches have this revision, at most `seconds`; returns whether they have.

    A process without a connection has no watch: it asks senders to come again (`Registry.current`).
    Raises nats errors.
    """
    try:
        async with asyncio.timeout(seconds):
            while await _behind(jetstream, revision):  # noqa: ASYNC110  # the server tells no event
                await asyncio.sleep(_LOOK_SECONDS)
            await asyncio.sleep(_SETTLE_SECONDS)
    except TimeoutError:
        return False
    return True


async def _behind(jetstream: JetStreamContext, revision: int) -> bool:
    offset = 0
    while page := await jetstream.consumers_info(_STREAM, offset=offset):
        for watch in page:
            if watch.push_bound and (
                watch.delivered is None or watch.delivered.stream_seq < revision
            ):
                return True
        offset += len(page)
    return False
