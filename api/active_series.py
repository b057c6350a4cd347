"""How many series are being written, counted for our own metrics: what makes questions slow."""

import asyncio
from typing import Final

from api.own_metrics import OwnMetrics
from api.query.statement import Statement, template
from api.store import QuestionStore, StoreFault
from seamark.service.connections import sleep_or_stop
from seamark.wire.failures import Rejected, Unavailable

EVERY_SECONDS: Final = 300.0
_AGAIN_SECONDS: Final = 5.0


async def count_series(store: QuestionStore, metrics: OwnMetrics) -> bool:
    """Count them once. False, and nothing changes, where the store does not answer."""
    try:
        found = await store.ask(Statement(template("active_series"), {}), tuple[str, int])
    except (Rejected, Unavailable, StoreFault):
        return False
    for kind, series in found.rows:
        metrics.active_series.labels(kind).set(series)
    return True


async def watch_series(
    store: QuestionStore,
    metrics: OwnMetrics,
    stop: asyncio.Event,
    *,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Count them until told to stop."""
    while not stop.is_set():
        counted = await count_series(store, metrics)
        await sleep_or_stop(stop, every_seconds if counted else _AGAIN_SECONDS)
