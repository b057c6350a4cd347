"""The spool has shares: what one org sends while the log is away leaves room for the others."""

import os
from collections import Counter
from pathlib import Path

import pytest

from seamark.wire.signals import Signal
from tests.support.collector_process import (
    CollectorProcess,
    batch,
    messages,
)
from tests.support.other_org import OTHER_KEY
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration
MEBIBYTE = 1024 * 1024


def _collector(fresh_log: NatsServer, tmp_path: Path) -> CollectorProcess:
    return CollectorProcess(
        fresh_log,
        tmp_path / "collector",
        spool_path=tmp_path / "spool",
        spool_max_bytes=16 * MEBIBYTE,
        spool_after_seconds=0.05,
        disk_keep_bytes=0,
        shed_least_percent=101.0,
        shed_most_percent=101.0,
    )


def _large() -> dict[str, object]:
    """A batch of 150 KB that does not compress."""
    return batch(
        *(
            {"ts": 1795316640000, "name": "noise", "attrs": {"x": os.urandom(1_800).hex()}}
            for _ in range(80)
        )
    )


def _flood(collector: CollectorProcess, most: int) -> list[tuple[int, str]]:
    """Send until refused; what was answered, status and reason."""
    found: list[tuple[int, str]] = []
    for _ in range(most):
        answer = collector.send(_large())
        found.append((answer.status, "" if answer.status == 202 else answer.reason))
        if answer.status != 202:
            break
    return found


def test_a_flood_of_one_org_while_the_log_is_away_leaves_the_spool_to_others(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    with _collector(fresh_log, tmp_path) as collector:
        fresh_log.stop()
        flood = _flood(collector, 200)
        assert flood[-1] == (429, "over_share")
        for _ in range(20):
            assert collector.send(_large(), key=OTHER_KEY).status == 202
    fresh_log.start()
    with _collector(fresh_log, tmp_path) as collector:
        until(lambda: collector.get("/readyz").json["status"] == "ok", seconds=30)
    sent = Counter(
        e.texts[1] for m in messages(fresh_log, Signal.EVENTS) for e in m.envelopes if e.body
    )
    assert sent == {"acme": len(flood) - 1, "umbra": 20}
