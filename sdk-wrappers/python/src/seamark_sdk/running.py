"""The one client of the process: made by `configure`, ended by `shutdown` or the process's end."""

import atexit
import logging
import os
from typing import Final

from seamark_sdk.client import Client
from seamark_sdk.settings import (
    BeforeSend,
    Settings,
    read_endpoint,
    read_key,
    read_service,
    spool_folder,
)
from seamark_sdk.telemetry import Telemetry, instrument

logger = logging.getLogger("seamark_sdk")


class Running:
    """What `configure` made; nothing before it, and after `shutdown`."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.telemetry: Telemetry | None = None
        self.warned = False


RUNNING: Final = Running()


def configure(
    key: str | None = None,
    endpoint: str | None = None,
    service: str | None = None,
    release: str = "",
    environment: str = "",
    *,
    sample_rate: float = 1.0,
    auto: bool = True,
    telemetry: bool = True,
    spool_dir: str | os.PathLike[str] | None = None,
    spool_bytes: int = 64 << 20,
    user_salt: str = "",
    before_send: BeforeSend | None = None,
) -> None:
    """Start: once in a process, best before anything else is imported; again changes nothing.

    `key`, `endpoint`, `spool_dir` are SEAMARK_KEY, SEAMARK_ENDPOINT (then
    OTEL_EXPORTER_OTLP_ENDPOINT), SEAMARK_SPOOL_DIR where they are not given; `service` is
    OTEL_SERVICE_NAME. Without a key, or with OTEL_SDK_DISABLED, everything does nothing.
    `telemetry`: set up OpenTelemetry's traces, metrics and logs; `auto`: switch on every installed
    instrumentation. Raises nothing.
    """
    if RUNNING.client is not None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    secret = read_key(key)
    if not secret:
        if not RUNNING.warned:
            RUNNING.warned = True
            logger.warning("seamark: no key (SEAMARK_KEY); nothing is sent")
        return
    try:
        address = read_endpoint(endpoint)
        client = Client(
            Settings(
                key=secret,
                endpoint=address,
                service=read_service(service),
                release=release,
                environment=environment,
                folder=spool_folder(spool_dir, key=secret, endpoint=address),
                sample_rate=sample_rate,
                spool_bytes=spool_bytes,
                user_salt=user_salt,
                before_send=before_send,
            )
        )
        client.start()
        RUNNING.client = client
        RUNNING.telemetry = Telemetry(client) if telemetry else None
        if telemetry and auto:
            instrument()
    except Exception as error:  # observing must not keep an app from starting
        logger.warning("seamark: not started: %s", error)


def shutdown() -> None:
    """Deliver what can be within 1.5 seconds, and end; the rest is sent by the next process."""
    telemetry, client = RUNNING.telemetry, RUNNING.client
    RUNNING.telemetry = RUNNING.client = None
    if telemetry is not None:
        telemetry.shutdown()
    if client is not None:
        client.close()


def _before_fork() -> None:
    if RUNNING.client is not None:
        RUNNING.client.before_fork()


def _after_fork_in_parent() -> None:
    if RUNNING.client is not None:
        RUNNING.client.after_fork_in_parent()


def _after_fork_in_child() -> None:
    if RUNNING.client is not None:
        RUNNING.client.after_fork_in_child()


atexit.register(shutdown)
os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
