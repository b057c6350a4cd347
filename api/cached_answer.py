"""Answers on their way through the cache: what is cached of them, for how long, and their `meta`.

An answer about a range that has ended is cached long, under a key that changes when rows are stored
late into the range. While such rows may not all be seen yet, and while that cannot be found out,
only equal questions at one time share an answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from api.answers import Meta
from api.cache import AnswerCache, CachedBody, CachePolicy, cache_key
from api.damage import UNDAMAGED, Damage
from api.late_rows import LateRows, is_live
from api.query.late_rows import SignalName
from api.query.timerange import TimeRange
from api.settings import ApiSettings
from api.store import StoreFault
from seamark.wire.failures import Rejected, Unavailable


class CachedAnswer(msgspec.Struct, frozen=True):
    """An answer as it is cached: its content (JSON), and what its `meta` needs."""

    content: msgspec.Raw
    rows_read: int = 0
    bytes_read: int = 0
    truncated: bool = False
    sampled: bool = False
    from_ms: int = 0
    to_ms: int = 0
    running_ms: int | None = None
    """Start of the bucket that had not ended."""


@dataclass(frozen=True, slots=True)
class AnswerRange:
    """What an answer is about: rows of these signals (none named: of any), in scope and range."""

    org: str
    app: str
    range: TimeRange
    signals: tuple[SignalName, ...] = ()


async def cache_policy(
    settings: ApiSettings,
    late: LateRows,
    about: AnswerRange,
    now_ms: int,
    *,
    key: str,
    stale: str,
    damage: Damage = UNDAMAGED,
) -> CachePolicy:
    """Under which key an answer is cached, and for how long. Never raises."""
    if damage.missing:
        return CachePolicy(key, 0.0, stale, settings.stale_cache_seconds, keep=False)
    if damage.repaired_ms:
        key = cache_key(key, damage.repaired_ms)
    if is_live(about.range.to_ms, now_ms):
        return CachePolicy(key, settings.live_cache_seconds, stale, settings.stale_cache_seconds)
    try:
        stored_ms = await late.last_stored_ms(
            about.range, about.signals, org=about.org, app=about.app
        )
    except (Rejected, Unavailable, StoreFault):
        stored_ms = None
    fresh = 0.0 if stored_ms is None else settings.past_cache_seconds
    return CachePolicy(cache_key(key, stored_ms), fresh, stale, settings.stale_cache_seconds)


async def through_cache(
    cache: AnswerCache, policy: CachePolicy | None, ask: Callable[[], Awaitable[CachedAnswer]]
) -> tuple[CachedAnswer, CachedBody]:
    """The cached answer, or a new one. Raises what `ask` raises."""

    async def produce() -> bytes:
        return msgspec.json.encode(await ask())

    cached = await cache.answer(policy, produce)
    return msgspec.json.decode(cached.body, type=CachedAnswer), cached


def meta_of(
    answer: CachedAnswer,
    cached: CachedBody,
    *,
    granularity: str | msgspec.UnsetType = msgspec.UNSET,
    source: Literal["events", "metrics", "spans", "none"] | msgspec.UnsetType = msgspec.UNSET,
    damage: Damage = UNDAMAGED,
    sql: str | msgspec.UnsetType = msgspec.UNSET,
) -> Meta:
    """The `meta` of an answer."""
    return Meta(
        rows_read=answer.rows_read,
        bytes_read=answer.bytes_read,
        cache=cached.cache,
        stale=cached.stale,
        truncated="damaged" if damage.missing else answer.truncated,
        sampled=answer.sampled,
        granularity=granularity,
        source=source,
        from_=answer.from_ms if answer.to_ms else msgspec.UNSET,
        to=answer.to_ms or msgspec.UNSET,
        partial=msgspec.UNSET if answer.running_ms is None else [answer.running_ms],
        sql=sql,
    )
