"""Which of our messages a stream holds behind a sequence: its headers, read from there to its end.

Asked only where a try went unanswered, or was made by a process that is gone. The end is what the
stream's leader says it is; a reader that has not come so far has not answered the question.
"""

from typing import Final

from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

_FETCH: Final = 1_000
_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 10.0


class NotAnswered(Exception):
    """The log did not say; ask again later."""


async def ids_behind(
    js: JetStreamContext, stream: str, *, after: int, prefixes: tuple[str, ...]
) -> dict[str, int]:
    """Message ids beginning with one of `prefixes`, with their sequences, behind `after`.

    A stream that does not reach `after` any more has been made anew: it is read from its beginning.
    Raises NotAnswered.
    """
    try:
        return await _ids_behind(js, stream, after, prefixes)
    except NotFoundError as error:
        raise NotAnswered(f"stream {stream} is not there") from error
    except (NatsError, TimeoutError) as error:
        raise NotAnswered(str(error) or type(error).__name__) from error


async def _ids_behind(
    js: JetStreamContext, stream: str, after: int, prefixes: tuple[str, ...]
) -> dict[str, int]:
    state = (await js.stream_info(stream)).state
    start = max(after + 1 if after <= state.last_seq else 1, state.first_seq, 1)
    found: dict[str, int] = {}
    if start > state.last_seq or not state.messages:
        return found
    reader = await js.pull_subscribe(
        "",
        stream=stream,
        config=ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=AckPolicy.NONE,
            headers_only=True,
            mem_storage=True,
            inactive_threshold=_IDLE_SECONDS,
        ),
    )
    try:
        at, pending = start - 1, 1
        if state.num_deleted:
            pending = (await reader.consumer_info()).num_pending or 0
        while at < state.last_seq:
            if not pending and state.num_deleted:  # the last ones were deleted by hand
                break
            messages = await reader.fetch(_FETCH, timeout=_SECONDS)
            if not messages:
                raise NatsTimeout
            for message in messages:
                at = message.metadata.sequence.stream
                ident = (message.headers or {}).get("Nats-Msg-Id", "")
                if ident.startswith(prefixes):
                    found[ident] = at
            pending = messages[-1].metadata.num_pending
    finally:
        await reader.unsubscribe()
    return found
