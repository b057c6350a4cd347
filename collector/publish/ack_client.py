"""One message to the log and its acknowledgement: a single attempt, and why it failed.

Not `js.publish_async`: in nats-py 2.16 a server error never reaches its future (nats.py #985). Not
`js.publish`: its cost per call; here one subscription serves all streams.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext

from collector.log import DurabilityCheck
from collector.publish.continuity import Continuity
from collector.publish.result import Acked, Problem

_LOG_FULL: Final = 10077
_API_SECONDS: Final = 2.0


class _Error(msgspec.Struct, frozen=True):
    code: int
    err_code: int = 0
    description: str = ""


class _PubAck(msgspec.Struct, frozen=True):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _Error | None = None


_decode_ack: Final = msgspec.json.Decoder(_PubAck).decode


class AckClient:
    """Sends messages and waits for their acknowledgements."""

    def __init__(
        self,
        client: NatsClient,
        *,
        durability: DurabilityCheck | None,
        continuity: Continuity | None = None,
    ) -> None:
        self._client = client
        self._continuity = continuity
        self._durability = durability
        self._inbox = ""
        self._serial = 0
        self._acks: dict[str, asyncio.Future[Msg]] = {}

    @property
    def max_payload(self) -> int:
        """The largest message that the server takes, headers included, in bytes."""
        return self._client.max_payload

    def jetstream(self) -> JetStreamContext | None:
        """JetStream's API; None while the client is not connected."""
        if not self._client.is_connected:
            return None
        return self._client.jetstream(timeout=_API_SECONDS)

    async def start(self) -> None:
        """Subscribe for acknowledgements."""
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acknowledged)

    async def attempt(
        self, to: str, payload: bytes, headers: Mapping[str, str], *, seconds: float
    ) -> Acked | Problem:
        """Send one message to subject `to`, and wait so long for its acknowledgement."""
        if not self._client.is_connected:  # never into the client's own buffer: it sends later
            return Problem("disconnected", "it is not connected")
        if self._durability is not None and (why := self._durability.problem()):
            return Problem("not_durable", why)
        if self._continuity is not None and (why := self._continuity.problem(to)):
            return Problem("replaced", why)
        self._serial += 1
        reply = f"{self._inbox}.{self._serial}"
        future = self._acks[reply] = asyncio.get_running_loop().create_future()
        try:
            await self._client.publish(to, payload, reply=reply, headers=dict(headers))
            async with asyncio.timeout(seconds):
                message = await future
        except TimeoutError:
            return Problem("timeout", "it did not acknowledge in time", indeterminate=True)
        except NatsError as error:
            return Problem("client", str(error) or type(error).__name__, indeterminate=True)
        finally:
            self._acks.pop(reply, None)
        if not message.data:  # 503: nothing listens on this subject
            return Problem("no_stream", "its stream is not there")
        ack = _decode_ack(message.data)
        if ack.error is not None:
            full = ack.error.err_code == _LOG_FULL
            return Problem("full" if full else "server", ack.error.description, final=full)
        if (
            self._durability is not None
            and self._durability.problem()
            and (why := await self._durability.confirm())
        ):
            # perhaps acknowledged by a server that is not known to sync
            return Problem("not_durable", why, indeterminate=True)
        return Acked(ack.seq)

    async def _acknowledged(self, message: Msg) -> None:
        future = self._acks.get(message.subject)
        if future is not None and not future.done():
            future.set_result(message)
