"""The log's and the store's server, started for a restore only: on loopback, on free ports."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from seamark.recovery.stack import RecoveryError
from seamark.service.connections import LogSettings, StoreSettings
from seamark.standalone import configurations, programs
from seamark.standalone.folder import Folder, write
from seamark.standalone.guard import PARENT_VARIABLE
from seamark.standalone.ports import Ports

_LOOPBACK: Final = "127.0.0.1"
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 60.0


@asynccontextmanager
async def nats_server(folder: Folder) -> AsyncIterator[LogSettings]:
    """The log in the folder's `nats`, as `seamark up` would run it."""
    ports = Ports(_free_offset())
    secrets = folder.secrets()
    config = folder.part("nats") / "nats.conf"
    write(
        config,
        configurations.nats(
            ports,
            store=folder.part("nats"),
            password=secrets.nats,
            log_bytes=folder.log_bytes(),
        ),
    )
    command = (sys.executable, "-P", "-m", "seamark.standalone.guard", programs.nats_server())
    monitor = f"http://{_LOOPBACK}:{ports.nats_monitor}"
    async with _running((*command, "-c", str(config)), {}, folder, f"{monitor}/healthz"):
        yield LogSettings(
            url=f"nats://{_LOOPBACK}:{ports.nats}",
            monitor_url=monitor,
            user="seamark",
            password=secrets.nats,
        )


@asynccontextmanager
async def store_server(folder: Folder, path: Path) -> AsyncIterator[StoreSettings]:
    """The embedded store on `path`."""
    port = _free_port()
    password = folder.secrets().store
    environment = {
        "SEAMARK_STORE_SERVER_PATH": str(path),
        "SEAMARK_STORE_SERVER_HOST": _LOOPBACK,
        "SEAMARK_STORE_SERVER_PORT": str(port),
        "SEAMARK_STORE_SERVER_PASSWORD": password,
        "SEAMARK_STORE_SERVER_TLS_CERT": "",
        "SEAMARK_STORE_SERVER_TLS_KEY": "",
    }
    url = f"http://{_LOOPBACK}:{port}"
    command = (sys.executable, "-P", "-m", "seamark.standalone.store")
    async with _running(command, environment, folder, f"{url}/ping"):
        yield StoreSettings(url=url, user="seamark", password=password)


@asynccontextmanager
async def _running(
    command: Sequence[str], environment: Mapping[str, str], folder: Folder, ready: str
) -> AsyncIterator[None]:
    """A server from ready to ended; dies with us. Raises RecoveryError with its last words."""
    log_path = folder.logs / "restore.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220  # nothing else waits for this loop
            command,
            env={**os.environ, **environment, PARENT_VARIABLE: str(os.getpid())},
            stdout=log,
            stderr=log,
        )
    try:
        await _until_ready(process, ready, log_path)
        yield
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


async def _until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = asyncio.get_running_loop().time() + _START_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            late = asyncio.get_running_loop().time() > until
            if process.poll() is not None or late:
                words = await asyncio.to_thread(_last_words, log)
                raise RecoveryError(f"a server needed for the restore does not start: {words}")
            await asyncio.sleep(0.05)


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-500:].strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _free_offset() -> int:
    """An offset at which the log's two ports are free."""
    for _ in range(100):
        offset = _free_port() - Ports().nats
        monitor = Ports(offset).nats_monitor
        if offset > 0 and monitor < 65536:
            with socket.socket() as probe:
                try:
                    probe.bind((_LOOPBACK, monitor))
                except OSError:
                    continue
                return offset
    raise RecoveryError("no free port was found for the log")
