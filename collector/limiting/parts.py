"""The parts that hold tenants to their limits, made from settings."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis.asyncio

from collector import observers
from collector.admission.limits.limiter import Limiter
from collector.admission.limits.log_use import LogUse
from collector.admission.limits.month_use import MonthUse
from collector.admission.limits.totals import Totals
from collector.limiting.limit_sync import LimitSync, month_of
from collector.limiting.settings import LimitSettings
from collector.limiting.shared_limits import SharedLimits
from collector.limiting.totals_file import TotalsFile
from collector.shedding.levels import Thresholds
from collector.shedding.log_shares import LogShares
from seamark.service.connections import LogSettings
from seamark.service.health import Health
from seamark.service.registry import OrgRecord


@dataclass(frozen=True, slots=True)
class LimitParts:
    """The limiter, the shares of the log, and the sync that brings them tokens and counts."""

    limiter: Limiter
    log_shares: LogShares
    sync: LimitSync


def limit_parts(
    settings: LimitSettings,
    orgs: Mapping[str, OrgRecord],
    client: "redis.asyncio.Redis",
    *,
    call_seconds: float,
    log: LogSettings,
    thresholds: Thresholds,
    file: TotalsFile | None,
    health: Health,
) -> LimitParts:
    """The parts of one process; `orgs` are the records of the registry, `call_seconds` the longest
    time for one call of Redis, `thresholds` those of a whole stream."""
    totals = Totals(secrets.token_hex(6))
    share = settings.local_percent / 100
    observer = observers.LimitMetrics()
    limiter = Limiter(
        orgs,
        months=MonthUse(totals, share=share, month=month_of(time.time())),
        key_default=settings.key_default,
        org_default=settings.org_default,
        observer=observer,
    )
    log_shares = LogShares(
        orgs,
        LogUse(totals, max_age_seconds=log.max_age_seconds),
        percent=settings.org_log_percent,
        max_bytes=log.max_bytes,
        partitions=log.partitions,
        thresholds=thresholds,
        observer=observers.SheddingMetrics(),
    )
    sync = LimitSync(
        limiter,
        totals,
        SharedLimits(client, seconds=call_seconds),
        share=share,
        log_shares=log_shares,
        health=health,
        file=file,
        observer=observer,
    )
    return LimitParts(limiter, log_shares, sync)
