"""Whether a key and its org are within their limits. Pure: tokens and counts are brought by others.

Requests and bytes are counted as soon as the headers are known, or the length of the body; items
when it has been decoded, before anything goes into the log. A request passes all its limits or
none: one that is over any of them spends nothing of the others checked with it, and is refused
whole. Items are those that were accepted; what the log did not take in the end is given back.
"""

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Final, Protocol, Self

from collector.admission.limits.allowed import Allowed, Measure, Scope, allowed
from collector.admission.limits.bucket import Bucket
from collector.admission.limits.month_use import MonthUse
from seamark.service.registry import KeyRecord, OrgRecord
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason

_MONTH_RETRY_SECONDS: Final = 3600.0
_NO_LIMITS: Final = Allowed()


class LimitObserver(Protocol):
    """Own metrics of refused requests."""

    def limited(self, scope: Scope, measure: Measure) -> None:
        """A request was refused."""


class _Tenant:
    """A key with its org: the buckets and months that its requests are held against."""

    __slots__ = ("buckets", "key", "months", "org")

    def __init__(self, key: KeyRecord, org: OrgRecord | None) -> None:
        self.key = key
        self.org = org
        self.buckets: dict[Measure, tuple[Bucket, ...]] = {}
        self.months: tuple[tuple[Scope, str, int], ...] = ()


class ItemsTaken:
    """The items of one request on its way into the log; leaving by an exception gives them back."""

    __slots__ = ("_buckets", "_items", "_months", "_use")

    def __init__(
        self, buckets: tuple[Bucket, ...], months: tuple[str, ...], items: int, use: MonthUse
    ) -> None:
        self._buckets = buckets
        self._months = months
        self._items = items
        self._use = use

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            for bucket in self._buckets:
                bucket.give_back(self._items)
        for subject in self._months:
            self._use.settle(subject, self._items, taken=kind is None)


class Limiter:
    """The limits of all keys and orgs in this collector.

    `orgs` are the records of the registry; `key_default` and `org_default` hold where a record says
    nothing. The sync sets `wake`, which is called when tokens should come soon.
    """

    def __init__(
        self,
        orgs: Mapping[str, OrgRecord],
        *,
        months: MonthUse,
        key_default: Allowed = _NO_LIMITS,
        org_default: Allowed = _NO_LIMITS,
        observer: LimitObserver | None = None,
    ) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.months = months
        self.wake: Callable[[], None] = _no_sync
        self._orgs = orgs
        self._key_default = key_default
        self._org_default = org_default
        self._by_default = not (key_default.everything and org_default.everything)
        self._observer = observer
        self._tenants: dict[tuple[str, str], _Tenant] = {}
        self._nothing = ItemsTaken((), (), 0, months)

    def check(self, key: KeyRecord, size: int) -> None:
        """Count a request whose body is `size` bytes, 0: not known yet.

        Raises Unavailable (LIMITED).
        """
        tenant = self._tenant(key)
        if tenant is None:
            return
        requests = tenant.buckets.get(Measure.REQUESTS, ())
        sizes = tenant.buckets.get(Measure.BYTES, ())
        self._require(requests, 1)
        self._require(sizes, size)
        for bucket in requests:
            bucket.take(1)
        for bucket in sizes:
            bucket.take(size)

    def arrived(self, org: str, key_id: str, size: int) -> None:
        """Count the bytes of a body whose length was not known at `check`."""
        tenant = self._tenants.get((org, key_id))
        if tenant is not None:
            for bucket in tenant.buckets.get(Measure.BYTES, ()):
                bucket.take(size)

    def items(self, key: KeyRecord, items: int) -> ItemsTaken:
        """Count the items of a request; to be held (`with`) until the log has them, or has not.

        Raises Unavailable (LIMITED).
        """
        tenant = self._tenant(key)
        if tenant is None or not items:
            return self._nothing
        buckets = tenant.buckets.get(Measure.ITEMS, ())
        self._require(buckets, items)
        for scope, subject, limit in tenant.months:
            if not self.months.open(subject, limit):
                raise self._refusal(
                    scope,
                    Measure.MONTH,
                    f"{limit:,} items a month; it ends with the month (UTC), or raise the limit",
                    _MONTH_RETRY_SECONDS,
                )
        for bucket in buckets:
            bucket.take(items)
        subjects = tuple(subject for _, subject, _ in tenant.months)
        for subject in subjects:
            self.months.reserve(subject, items)
        return ItemsTaken(buckets, subjects, items, self.months)

    def forget_unused(self) -> None:
        """Drop what has not been used for a while."""
        unused = [name for name, bucket in self.buckets.items() if bucket.forgotten]
        if unused:
            for name in unused:
                del self.buckets[name]
            self._tenants.clear()

    def _require(self, buckets: tuple[Bucket, ...], cost: float) -> None:
        """Raises Unavailable when one of them is empty."""
        for bucket in buckets:
            if bucket.tokens <= bucket.least:
                bucket.refuse(cost)
                if bucket.level > 0.0:
                    self.wake()
                raise self._refusal(
                    bucket.scope,
                    bucket.measure,
                    f"{bucket.rate:,.15g} {bucket.measure.value}/s; send again later, or less",
                    bucket.retry_seconds,
                )

    def _refusal(
        self, scope: Scope, measure: Measure, what: str, retry_seconds: float
    ) -> Unavailable:
        if self._observer is not None:
            self._observer.limited(scope, measure)
        return Unavailable(
            f"this {scope.value} is over its limit of {what}",
            reason=Reason.LIMITED,
            retry_after=retry_seconds,
        )

    def _tenant(self, key: KeyRecord) -> _Tenant | None:
        """The limits of a key; None when nothing limits it."""
        org = self._orgs.get(key.org)
        if key.limits is None and (org is None or org.limits is None) and not self._by_default:
            return None
        tenant = self._tenants.get((key.org, key.key_id))
        if tenant is None or tenant.key is not key or tenant.org is not org:
            tenant = self._tenants[key.org, key.key_id] = self._read(key, org)
        return tenant

    def _read(self, key: KeyRecord, org: OrgRecord | None) -> _Tenant:
        """The buckets of these records; those that exist go on under the new rates."""
        tenant = _Tenant(key, org)
        org_limits = allowed(org.limits if org is not None else None, self._org_default)
        key_limits = allowed(key.limits, self._key_default)
        subjects = (
            (Scope.KEY, f"key:{key.org}/{key.key_id}", key_limits),
            (Scope.ORG, f"org:{key.org}", org_limits),
        )
        found: dict[Measure, list[Bucket]] = {}
        for scope, subject, limits in subjects:
            for measure, rate in _rates(limits):
                bucket = self._bucket(subject, scope, measure, rate, limits.burst_seconds)
                found.setdefault(measure, []).append(bucket)
        tenant.buckets = {measure: tuple(buckets) for measure, buckets in found.items()}
        tenant.months = tuple(
            (scope, subject, limits.items_per_month)
            for scope, subject, limits in subjects
            if limits.items_per_month
        )
        return tenant

    def _bucket(
        self, subject: str, scope: Scope, measure: Measure, rate: float, burst_seconds: float
    ) -> Bucket:
        name = f"{subject}:{measure.value}"
        bucket = self.buckets.get(name)
        if bucket is None:
            bucket = Bucket(name, scope, measure, rate=rate, burst_seconds=burst_seconds)
            self.buckets[name] = bucket
            self.wake()
        else:
            bucket.allow(rate=rate, burst_seconds=burst_seconds)
        return bucket


def _no_sync() -> None:
    """No sync has been set yet."""


def _rates(limits: Allowed) -> Iterator[tuple[Measure, float]]:
    """The measures that are limited, and to what a second."""
    for measure, rate in (
        (Measure.REQUESTS, limits.requests),
        (Measure.BYTES, limits.bytes),
        (Measure.ITEMS, limits.items),
    ):
        if rate:
            yield measure, rate
