"""What `configure` was told, or what the environment says where it was told nothing."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4318"
BeforeSend = Callable[[dict[str, Any]], "dict[str, Any] | None"]


@dataclass(frozen=True, slots=True)
class Settings:
    """`folder` is where batches wait; `user_salt` is common to all SDKs of an app.

    `interval_seconds`: the longest time an event waits for others. `exit_seconds`: the longest time
    that the end of the process waits for delivery.
    """

    key: str = field(repr=False)
    endpoint: str
    service: str
    release: str
    environment: str
    folder: Path
    sample_rate: float = 1.0
    spool_bytes: int = 64 << 20
    user_salt: str = field(default="", repr=False)
    before_send: BeforeSend | None = None
    interval_seconds: float = 1.0
    exit_seconds: float = 1.5

    @property
    def common_attributes(self) -> dict[str, str]:
        """What every event says about where it comes from."""
        told = {
            "service.name": self.service,
            "service.version": self.release,
            "deployment.environment.name": self.environment,
            "platform": "server",
        }
        return {name: value for name, value in told.items() if value}


def read_key(key: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The ingest key: the argument, else SEAMARK_KEY; "" for none."""
    return key if key is not None else environ.get("SEAMARK_KEY", "")


def read_endpoint(endpoint: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The collector's address: the argument, SEAMARK_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT."""
    told = (endpoint, environ.get("SEAMARK_ENDPOINT"), environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    return next((one for one in told if one), DEFAULT_ENDPOINT).rstrip("/")


def read_service(service: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The service's name: the argument, else OTEL_SERVICE_NAME."""
    return service or environ.get("OTEL_SERVICE_NAME", "") or "unknown_service"


def spool_folder(
    told: str | os.PathLike[str] | None,
    *,
    key: str,
    endpoint: str,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Where batches wait: the argument, SEAMARK_SPOOL_DIR, or below the user's state folder.

    Each key and endpoint has a folder of its own in it, named by a hash: what was sealed for one
    is never sent to another, and no key is on disk.
    """
    mark = hashlib.sha256(f"{endpoint}\0{key}".encode()).hexdigest()[:16]
    named = told or environ.get("SEAMARK_SPOOL_DIR")
    if named:
        return Path(named) / mark
    home = environ.get("XDG_STATE_HOME") or (
        os.path.join(environ["HOME"], ".local", "state") if environ.get("HOME") else ""
    )
    if home and _writable(Path(home)):
        return Path(home) / "seamark-sdk" / mark
    return Path(tempfile.gettempdir()) / f"seamark-sdk-{os.getuid()}" / mark


def _writable(folder: Path) -> bool:
    existing = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    return os.access(existing, os.W_OK | os.X_OK)
