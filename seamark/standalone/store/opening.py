"""Opening the engine on a folder whose deduplication logs tell the truth."""

import logging

from seamark.standalone.store import metrics
from seamark.standalone.store.dedup_repair import dangling, repair
from seamark.standalone.store.engine import StoreEngine, open_engine
from seamark.standalone.store.folder import StoreFolder

logger = logging.getLogger(__name__)


def open_repaired(folder: StoreFolder) -> StoreEngine:
    """Repair the folder, which this process holds, and open the engine on it; as `open_engine`.

    Twice, when the engine put parts aside that a full disk has broken: it is opening that finds
    them, and their records are then to go before anything is sent again. Raises OSError as well.
    """
    _repair(folder)
    engine = open_engine(folder)
    broken = engine.broken_parts()
    if broken:
        metrics.BROKEN.set(broken)
        logger.warning("parts that were broken lie aside", extra={"parts": broken})
    if not dangling(folder.engine):
        return engine
    engine.close()
    _repair(folder)
    return open_engine(folder)


def _repair(folder: StoreFolder) -> None:
    for repaired in repair(folder.engine):
        metrics.REPAIRED.inc(len(repaired.dangling))
        logger.warning(
            "removed deduplication records of inserts that were cut short",
            extra={
                "log": str(repaired.path),
                "parts": list(repaired.dangling),
                "unreadable": repaired.unreadable,
            },
        )
