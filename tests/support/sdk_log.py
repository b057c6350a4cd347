"""What SDKs delivered, as it is behind the log: a receipt counts once in each partition."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.collector_process import messages
from tests.support.servers import NatsServer

ROOT: Final = Path(__file__).parents[2]
WRAPPERS: Final = ROOT / "sdk-wrappers"


def sdk_environment(**more: str) -> dict[str, str]:
    """An environment in which `seamark_sdk` can be imported, and nothing else speaks to it."""
    path = os.pathsep.join(str(WRAPPERS / part) for part in ("python/src", "spec"))
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SEAMARK_", "OTEL_"))
    }
    return {**clean, "PYTHONPATH": path, **more}


def delivered(log: NatsServer) -> list[Mapping[str, Any]]:
    """Every event in the log; one that a client sent under two batchIds is there twice."""
    seen: set[tuple[int, str]] = set()
    found: list[Mapping[str, Any]] = []
    for message in messages(log):
        for envelope in message.envelopes:
            mark = message.partition, envelope.texts.get(3, "")
            if envelope.request_rejections or mark in seen:
                continue
            seen.add(mark)
            found += envelope.events
    return found
