"""`seamark status` and `seamark stop`: what a supervisor wrote down, held against what is so."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Final

import msgspec

from seamark.standalone.folder import Folder, Holder
from seamark.standalone.ports import Ports, reachable
from seamark.standalone.probes import of_parts
from seamark.standalone.public_addresses import PublicAddresses, public_addresses

STOP_PATIENCE_SECONDS: Final = 15.0


class PartState(msgspec.Struct, kw_only=True):
    """One row of `state.json`. `since`: when `ready` became what it is, epoch seconds."""

    name: str
    pid: int | None
    address: str
    ready: bool
    since: float


def status(folder: Folder) -> list[PartState] | None:
    """The parts as they are now, or None when no supervisor holds the folder. Blocks for ≤ 2 s.

    The supervisor's word is checked: a part whose process is gone, or which does not answer that
    it is ready, is not.
    """
    holder = folder.holder()
    if holder is None:
        return None
    rows = _written(folder)
    return asyncio.run(_checked(rows, folder, holder)) if rows else []


def running_addresses(folder: Folder) -> PublicAddresses | None:
    """Those of the stack that holds the folder, as it wrote them; None when none does.

    Without TLS for as long as it has not written them.
    """
    holder = folder.holder()
    if holder is None:
        return None
    ports = Ports(holder.port_offset)
    plain = public_addresses(holder.host, ports, {})
    known = {row.name: row.address for row in _written(folder)}
    ingest, api = known.get("collector") or plain.ingest, known.get("api") or plain.api
    return PublicAddresses(
        ingest=ingest,
        ingest_grpc=f"{_host(ingest)}:{ports.collector_grpc}",
        api=api,
        api_grpc=f"{_host(api)}:{ports.api_grpc}",
    )


def _host(url: str) -> str:
    return url.partition("://")[2].rpartition(":")[0]


def _written(folder: Folder) -> list[PartState]:
    try:
        return msgspec.json.decode(folder.state.read_bytes(), type=list[PartState])
    except (FileNotFoundError, msgspec.DecodeError):
        return []


async def _checked(rows: list[PartState], folder: Folder, holder: Holder) -> list[PartState]:
    encrypted = {row.name for row in rows if row.address.startswith("https://")}
    probes = of_parts(
        reachable(holder.host), Ports(holder.port_offset), folder.secrets(), encrypted=encrypted
    )

    async def ready(row: PartState) -> bool:
        if row.pid is None or not _alive(row.pid):
            return False
        return await probes[row.name]() if row.name in probes else row.ready

    now = time.time()
    for row, is_ready in zip(rows, await asyncio.gather(*map(ready, rows)), strict=True):
        if is_ready != row.ready:
            row.ready, row.since = is_ready, now
    return rows


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def table(rows: list[PartState], *, now: float) -> str:
    """The rows for people: name, state, how long, process id, address."""
    lines = [f"{'part':<11}{'state':<11}{'for':>9}  {'pid':>8}  address"]
    for row in rows:
        state = "ready" if row.ready else "not ready"
        lines.append(
            f"{row.name:<11}{state:<11}{_span(now - row.since):>9}  {row.pid or '-':>8}  "
            f"{row.address}".rstrip()
        )
    return "\n".join(lines)


def senders(folder: Folder) -> str:
    """For people: the variables of OpenTelemetry SDKs, and where the key is; "" when stopped."""
    addresses = running_addresses(folder)
    return "" if addresses is None else "\n".join(variables(addresses, folder.credentials))


def variables(addresses: PublicAddresses, credentials: Path) -> list[str]:
    """The variables with which an OpenTelemetry SDK sends here, a line each. Pure."""
    return [
        f"OTLP/HTTP    OTEL_EXPORTER_OTLP_ENDPOINT={addresses.ingest}",
        f"OTLP/gRPC    OTEL_EXPORTER_OTLP_ENDPOINT={addresses.grpc_url} "
        "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        "both         OTEL_EXPORTER_OTLP_HEADERS=x-api-key=<ingest_key>",
        f"credentials  {credentials}",
        "to paste     seamark connect python|node|go|java|dotnet|browser|collector|curl",
    ]


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    for size, unit, below in ((86400, "d", "h"), (3600, "h", "m"), (60, "m", "s")):
        if whole >= size:
            smaller = {"h": 3600, "m": 60, "s": 1}[below]
            return f"{whole // size} {unit} {whole % size // smaller} {below}"
    return f"{whole} s"


def stop(folder: Folder) -> bool | None:
    """Ask the supervisor to stop and wait for it. None: nothing runs; False: it did not in time.

    Blocks for up to STOP_PATIENCE_SECONDS.
    """
    holder = folder.holder()
    if holder is None:
        return None
    os.kill(holder.pid, signal.SIGTERM)
    until = time.monotonic() + STOP_PATIENCE_SECONDS
    while folder.holder() is not None:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def as_json(rows: list[PartState]) -> str:
    """The rows for programs: a JSON array of {name, pid, address, ready, since}."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode()
