"""Answers on their way through the cache: what is kept of them, for how long, and their `meta`."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec

from api.answers import Meta
from api.cache import AnswerCache, Keep, Kept
from api.query.timerange import MINUTE_MS
from api.settings import ApiSettings

LIVE_MS: Final = 2 * MINUTE_MS
"""A range that ends later than this before now may still change from second to second."""


class Stored(msgspec.Struct, frozen=True):
    """An answer as it is kept: its content (JSON), and what its `meta` needs."""

    content: msgspec.Raw
    rows_read: int = 0
    bytes_read: int = 0
    truncated: bool = False
    sampled: bool = False
    from_ms: int = 0
    to_ms: int = 0
    running_ms: int | None = None
    """Start of the bucket that had not ended."""


def is_live(to_ms: int, now_ms: int) -> bool:
    """Whether an answer that reaches up to `to_ms` may still change from second to second."""
    return to_ms > now_ms - LIVE_MS


def keep_for(settings: ApiSettings, *, live: bool, key: str, stale_key: str) -> Keep:
    """How long an answer is kept under its key, and under the key for when the store is away."""
    fresh = settings.live_cache_seconds if live else settings.past_cache_seconds
    return Keep(key, fresh, stale_key, settings.stale_cache_seconds)


async def through_cache(
    cache: AnswerCache, keep: Keep | None, ask: Callable[[], Awaitable[Stored]]
) -> tuple[Stored, Kept]:
    """The kept answer, or a new one. Raises what `ask` raises."""

    async def produce() -> bytes:
        return msgspec.json.encode(await ask())

    kept = await cache.answer(keep, produce)
    return msgspec.json.decode(kept.body, type=Stored), kept


def meta_of(
    stored: Stored,
    kept: Kept,
    *,
    granularity: str | msgspec.UnsetType = msgspec.UNSET,
    source: Literal["events", "metrics", "spans", "none"] | msgspec.UnsetType = msgspec.UNSET,
    sql: str | msgspec.UnsetType = msgspec.UNSET,
) -> Meta:
    """The `meta` of an answer."""
    return Meta(
        rows_read=stored.rows_read,
        bytes_read=stored.bytes_read,
        cache=kept.cache,
        stale=kept.stale,
        truncated=stored.truncated,
        sampled=stored.sampled,
        granularity=granularity,
        source=source,
        from_=stored.from_ms if stored.to_ms else msgspec.UNSET,
        to=stored.to_ms or msgspec.UNSET,
        partial=msgspec.UNSET if stored.running_ms is None else [stored.running_ms],
        sql=sql,
    )
