"""Seamark for Python: product events that survive, over OpenTelemetry's SDK.

    import seamark_sdk as seamark
    seamark.configure(key="smk_…", service="shop")
    seamark.track("purchase", {"plan": "gold"}, value=19.9, unit="EUR")

Nothing here raises, and nothing waits for the network but `flush` and `shutdown`.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace

from seamark_sdk.core.user_hash import user_hash
from seamark_sdk.running import RUNNING, configure, shutdown
from seamark_sdk.scope import current, enter
from seamark_sdk.version import VERSION as __version__

__all__ = [
    "__version__",
    "capture_exception",
    "configure",
    "feature",
    "flush",
    "identify",
    "measure",
    "set_context",
    "set_session",
    "shutdown",
    "stats",
    "track",
]


def track(
    name: str,
    attributes: Mapping[str, object] | None = None,
    *,
    value: float | None = None,
    unit: str | None = None,
) -> None:
    """Keep one event: on disk when this returns, at the collector soon after."""
    if RUNNING.client is not None:
        RUNNING.client.track(name, attributes, value=value, unit=unit)


def feature(feature_id: str, attributes: Mapping[str, object] | None = None) -> None:
    """A use of a feature: the event `feature_click`."""
    track("feature_click", {"feature_id": feature_id, **(attributes or {})})


def measure(
    name: str, value: float, unit: str = "1", attributes: Mapping[str, object] | None = None
) -> None:
    """An event with a value; the unit is UCUM's (`ms`, `By`, `EUR`)."""
    track(name, attributes, value=value, unit=unit)


def capture_exception(
    error: BaseException | None = None, attributes: Mapping[str, object] | None = None
) -> None:
    """An error as the event `exception`: this one, or the one that is being handled."""
    found = error if error is not None else sys.exc_info()[1]
    if RUNNING.client is not None and found is not None:
        RUNNING.client.capture_exception(found, attributes)


def identify(user_id: str | None, *, raw: bool = False) -> None:
    """Whose the following events of this request, task or thread are; None: of no user.

    The id is hashed here, with the salt of `configure`; `raw` sends it as it is.
    """
    if user_id is not None:
        salt = RUNNING.client.settings.user_salt if RUNNING.client is not None else ""
        user_id = str(user_id) if raw else user_hash(str(user_id), salt)
    enter(replace(current(), user=user_id))


def set_session(session_id: str | None) -> None:
    """The session that the request brought, for the following events of this request."""
    enter(replace(current(), session=None if session_id is None else str(session_id)))


def set_context(attributes: Mapping[str, object]) -> None:
    """Attributes of the following events of this request, task or thread."""
    now = current()
    enter(replace(now, attributes={**now.attributes, **attributes}))


def flush(timeout: float = 10.0) -> bool:
    """Wait until everything so far is delivered; False where `timeout` (seconds) came first."""
    if RUNNING.telemetry is not None:
        RUNNING.telemetry.flush()
    return RUNNING.client is None or RUNNING.client.flush(timeout)


def stats() -> dict[str, object]:
    """Outcomes of events and batches in this process; empty without `configure`."""
    return RUNNING.client.stats() if RUNNING.client is not None else {}
