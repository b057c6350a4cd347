"""All live tails of a process: feeds shared by equal ones, and how many there may be."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec

from api.own_metrics import OwnMetrics
from api.query.log_following import LogTailRequest, plan_arrivals, read_cursor
from api.reasons import QuestionReason
from api.scope import Scope
from api.settings import ApiSettings
from api.store import QuestionStore
from api.tail import messages
from api.tail.feed import Follower, Pace, TailFeed
from api.tail.seen import CURSOR_MS
from seamark.wire.failures import Rejected, Unavailable

_STOPPING = "This server is stopping; ask again with the last cursor as after."


@dataclass(slots=True)
class Tail:
    """One follower and the feed it follows."""

    feed: TailFeed
    follower: Follower = field(default_factory=Follower)


class Tails:
    """Opens tails within the limits, and ends all of them when the process stops."""

    def __init__(
        self,
        store: QuestionStore,
        settings: ApiSettings,
        *,
        metrics: OwnMetrics,
        clock_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._pace = Pace(
            poll_seconds=settings.tail_poll_seconds,
            overlap_seconds=settings.tail_overlap_seconds,
            records_per_second=settings.tail_records_per_second,
        )
        self._feeds: dict[tuple[Scope, bytes], TailFeed] = {}
        self._waiting: Counter[tuple[Scope, bytes]] = Counter()
        self._orgs: Counter[str] = Counter()
        self._stopping = False

    @contextlib.asynccontextmanager
    async def opened(self, scope: Scope, request: LogTailRequest) -> AsyncIterator[Tail]:
        """A tail; it ends with the block. Raises Rejected, Unavailable, StoreFault."""
        after = read_cursor(request.after) if request.after else None
        if after is not None and after.received_ms < self._clock_ms() - CURSOR_MS:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                f"after is older than {CURSOR_MS // 60_000} minutes, the limit; leave it out to "
                "follow from now, and search for what lies between.",
                field="after",
            )
        request = msgspec.structs.replace(request, after="", org_id="", app_id="")
        plan_arrivals(request, org=scope.org, app=scope.app, since_ms=0)  # refuses what is wrong
        self._admit(scope)
        key = (scope, msgspec.json.encode(request))
        self._orgs[scope.org] += 1
        self._waiting[key] += 1
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = TailFeed(
                self._store, scope, request, pace=self._pace, clock_ms=self._clock_ms
            )
        tail = Tail(feed)
        self._count()
        try:
            await feed.join(tail.follower, after)
            if self._stopping:
                tail.follower.tell(messages.end("stopping", _STOPPING))
            yield tail
        finally:
            feed.followers.discard(tail.follower)
            self._waiting[key] -= 1
            self._orgs[scope.org] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._feeds[key]
                feed.close()
            if not self._orgs[scope.org]:
                del self._orgs[scope.org]
            self._count()

    def stop(self) -> None:
        """Tell every follower that this is the end, and take no more."""
        self._stopping = True
        for feed in self._feeds.values():
            for follower in feed.followers:
                follower.tell(messages.end("stopping", _STOPPING))

    def _admit(self, scope: Scope) -> None:
        if self._stopping:
            raise Unavailable(
                "This server is stopping; ask again.",
                retry_after=2.0,
                reason=QuestionReason.UNAVAILABLE,
            )
        limit = self._settings.tails_per_org
        if self._orgs[scope.org] >= limit:
            raise Rejected(
                QuestionReason.TOO_MUCH,
                f"Org {scope.org} has {limit} live tails here, the limit; end one of them.",
            )
        if self._orgs.total() >= self._settings.tails:
            raise Unavailable(
                f"There are {self._settings.tails} live tails here, the limit; try later.",
                retry_after=5.0,
                reason=QuestionReason.UNAVAILABLE,
            )

    def _count(self) -> None:
        self._metrics.tails.set(self._orgs.total())
        self._metrics.tail_feeds.set(len(self._feeds))
