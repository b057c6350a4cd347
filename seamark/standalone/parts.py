"""The parts of the one-machine stack: how each is started, configured and known to be ready.

One table (`plan`) says it all. What the table wires together (addresses, passwords, paths) is not
the user's to override; every other SEAMARK_* variable of theirs reaches the parts as it is.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from seamark.service.settings import load, setting
from seamark.service.tls_name import name_in
from seamark.standalone import programs
from seamark.standalone.folder import BUCKETS_SHARE, Folder, Secrets
from seamark.standalone.guard import PARENT_VARIABLE
from seamark.standalone.ports import Ports, reachable
from seamark.standalone.probes import Probe, froze_on_full_disk, of_parts
from seamark.standalone.public_addresses import PublicAddresses
from seamark.standalone.store.roles import role_password
from seamark.wire.signals import Signal

LOOPBACK: Final = "127.0.0.1"
COLLECTOR_STOP_SECONDS: Final = 2
PUBLIC_PARTS: Final = ("collector", "api")
"""The parts that listen for others, on the chosen host, with TLS where there is a certificate."""


@dataclass(frozen=True, slots=True)
class StackPart:
    """One process of the stack.

    `environment` is asked for at each start. `probe` is None for a part that cannot be asked and
    is ready while it runs; a part that runs `once` is ready when it has ended well. `stuck` is
    asked of a part that has been ready and is not any more: whether starting it again would help.
    """

    name: str
    command: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]
    address: str = ""
    probe: Probe | None = None
    once: bool = False
    stuck: Probe | None = None


@dataclass(frozen=True, slots=True)
class LogShape:
    """Those of `LogSettings` that decide how large a stream can be, with the same defaults.

    Said again (and compared by a test) because their module brings the clients of the log and the
    cache with it: 25 MB that the supervisor would hold for nothing.
    """

    partitions: int = setting(2, text="As in LogSettings.", minimum=1, maximum=256)
    max_bytes: int = setting(8 * 1024**3, text="As in LogSettings.")


@dataclass(frozen=True, slots=True)
class Choices:
    """What `seamark up` was told. `demo_rate`: events per second, 0 = the demo's own."""

    folder: Folder
    host: str = LOOPBACK
    ports: Ports = field(default_factory=Ports)
    demo: bool = False
    demo_rate: float = 0.0


def plan(
    choices: Choices,
    secrets: Secrets,
    addresses: PublicAddresses,
    *,
    parent_pid: int,
    environ: Mapping[str, str],
) -> list[list[StackPart]]:
    """The parts in stages: a stage starts once every part of the one before is ready.

    `addresses`: where the collector and the API are reached by others; shown, and kept in
    `state.json`.
    Raises SettingsError when a server's wheel is missing or the log's settings are wrong.
    """
    folder, ports, host = choices.folder, choices.ports, reachable(choices.host)
    scheme = {name: "https" if _has_certificate(name, environ) else "http" for name in PUBLIC_PARTS}
    probe = of_parts(
        host, ports, secrets, encrypted={name for name, value in scheme.items() if value == "https"}
    )
    stuck = {"nats": froze_on_full_disk(ports.nats_monitor, folder.part("nats"))}
    wired = wiring(choices, secrets, environ=environ)
    plain = {name: value for name, value in environ.items() if not name.startswith("SEAMARK_")}
    plain[PARENT_VARIABLE] = str(parent_pid)
    chosen = {
        name: value
        for name, value in environ.items()
        if name.startswith("SEAMARK_") and name != PARENT_VARIABLE
    }

    def server(name: str, address: str, *command: str, **extra: str) -> StackPart:
        guard = (sys.executable, "-P", "-m", "seamark.standalone.guard", *command)
        asked = stuck.get(name)
        return StackPart(name, guard, lambda: extra | plain, address, probe[name], stuck=asked)

    def module(name: str, path: str, address: str = "", *, once: bool = False) -> StackPart:
        # -P: a folder called `api` where the user happens to stand is not our api.
        environment = plain | chosen | wired[name]
        command = (sys.executable, "-P", "-m", path)
        return StackPart(name, command, lambda: environment, address, probe.get(name), once)

    stages = [
        [
            server(
                "nats",
                f"nats://{LOOPBACK}:{ports.nats}",
                programs.nats_server(),
                "-c",
                str(folder.part("nats") / "nats.conf"),
                GOMEMLIMIT="512MiB",
            ),
            server(
                "redis",
                f"redis://{LOOPBACK}:{ports.redis}",
                programs.redis_server(),
                str(folder.part("redis") / "redis.conf"),
            ),
            module("store", "seamark.standalone.store", f"http://{LOOPBACK}:{ports.store}"),
        ],
        [module("provisioning", "provisioning", once=True)],
        [
            module("collector", "collector", addresses.ingest),
            module("rows", "processors.rows", f"http://{LOOPBACK}:{ports.rows}"),
            module("archive", "processors.archive", f"http://{LOOPBACK}:{ports.archive}"),
            module("api", "api", addresses.api),
        ],
    ]
    if choices.demo:
        stages.append([_demo(choices, plain | chosen, scheme)])
    return stages


def _has_certificate(ingest: str, environ: Mapping[str, str]) -> bool:
    """Whether the user gave a ingest a certificate."""
    return bool(environ.get(f"SEAMARK_{ingest.upper()}_TLS_CERT"))


def _trust(environ: Mapping[str, str]) -> dict[str, str]:
    """How our own parts check the collector, which they reach over loopback: by the very
    certificate it was given, and the name in that. Raises SettingsError.
    """
    cert, key = (environ.get(f"SEAMARK_COLLECTOR_TLS_{what}", "") for what in ("CERT", "KEY"))
    if not cert:
        return {}
    name = name_in(cert, key, prefix="SEAMARK_COLLECTOR")
    return {"TLS_CA": cert, "TLS_NAME": name}


def _store_as(role: str, ports: Ports, secrets: Secrets) -> dict[str, str]:
    """Where the store is, and the user of a role in it."""
    return {
        "SEAMARK_STORE_URL": f"http://{LOOPBACK}:{ports.store}",
        "SEAMARK_STORE_USER": role,
        "SEAMARK_STORE_PASSWORD": role_password(secrets.store, role),
    }


def wiring(
    choices: Choices, secrets: Secrets, *, environ: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """SEAMARK_* variables of each of our own parts: what the stack itself decides."""
    folder, ports = choices.folder, choices.ports
    log = {
        "SEAMARK_LOG_URL": f"nats://{LOOPBACK}:{ports.nats}",
        "SEAMARK_LOG_MONITOR_URL": f"http://{LOOPBACK}:{ports.nats_monitor}",
        "SEAMARK_LOG_USER": "seamark",
        "SEAMARK_LOG_PASSWORD": secrets.nats,
        "SEAMARK_LOG_TLS_CA": "",
        "SEAMARK_LOG_REPLICAS": "1",
        "SEAMARK_LOG_MAX_BYTES": str(stream_bytes(folder.log_bytes(), environ)),
    }
    store = _store_as("seamark", ports, secrets)
    cache = {"SEAMARK_CACHE_URL": f"redis://:{secrets.redis}@{LOOPBACK}:{ports.redis}/0"}
    ingest = "https" if _has_certificate("collector", environ) else "http"
    trust = _trust(environ)
    own = {
        "SEAMARK_OWN_METRICS_URL": f"{ingest}://{reachable(choices.host)}:{ports.collector_http}",
        "SEAMARK_OWN_METRICS_KEY_PATH": str(folder.own_metrics_key),
        "SEAMARK_OWN_METRICS_BACKUP_PATH": "",  # told by the store alone
        **{f"SEAMARK_OWN_METRICS_{name}": value for name, value in trust.items()},
    }
    monitor = {
        "SEAMARK_MONITOR_HOST": LOOPBACK,
        "SEAMARK_MONITOR_TLS_CERT": "",
        "SEAMARK_MONITOR_TLS_KEY": "",
    }
    return {
        "store": own
        | {
            "SEAMARK_OWN_METRICS_BACKUP_PATH": str(folder.last_backup),
            "SEAMARK_STORE_SERVER_PATH": str(folder.part("store")),
            "SEAMARK_STORE_SERVER_HOST": LOOPBACK,
            "SEAMARK_STORE_SERVER_PORT": str(ports.store),
            "SEAMARK_STORE_SERVER_PASSWORD": secrets.store,
            "SEAMARK_STORE_SERVER_TLS_CERT": "",
            "SEAMARK_STORE_SERVER_TLS_KEY": "",
        },
        "provisioning": log
        | store
        | {
            "SEAMARK_PROVISION_CREDENTIALS": str(folder.credentials),
            "SEAMARK_PROVISION_OWN_METRICS_KEY": str(folder.own_metrics_key),
            "SEAMARK_PROVISION_STORE_VARIANT": "embedded",
        },
        "collector": log
        | cache
        | own
        | monitor
        | {
            "SEAMARK_COLLECTOR_HOST": choices.host,
            "SEAMARK_COLLECTOR_PORT": str(ports.collector_http),
            "SEAMARK_COLLECTOR_MONITOR_PORT": str(ports.collector_monitor),
            "SEAMARK_COLLECTOR_GRPC_PORT": str(ports.collector_grpc),
            "SEAMARK_COLLECTOR_SPOOL_PATH": str(folder.part("spool")),
            # less than the supervisor waits, so that what is under way is answered or cut off
            "SEAMARK_COLLECTOR_STOP_SECONDS": str(COLLECTOR_STOP_SECONDS),
            "SEAMARK_COLLECTOR_DISK_PATH": str(folder.part("nats")),
        },
        "rows": log
        | _store_as("rows", ports, secrets)
        | own
        | monitor
        | {
            "SEAMARK_ROWS_PORT": str(ports.rows),
            "SEAMARK_ROWS_STATE_PATH": str(folder.part("dedup") / "rows"),
        },
        "archive": log
        | _store_as("archive", ports, secrets)
        | own
        | monitor
        | {
            "SEAMARK_ARCHIVE_PORT": str(ports.archive),
            "SEAMARK_ARCHIVE_STATE_PATH": str(folder.part("dedup") / "archive"),
            # A bucket of the user's takes the place of the folder.
            "SEAMARK_ARCHIVE_URL": environ.get("SEAMARK_ARCHIVE_URL")
            or str(folder.part("archive")),
        },
        "api": log
        | _store_as("api", ports, secrets)
        | cache
        | own
        | monitor
        | {
            "SEAMARK_API_HOST": choices.host,
            "SEAMARK_API_PORT": str(ports.api),
            "SEAMARK_API_GRPC_PORT": str(ports.api_grpc),
            "SEAMARK_API_MONITOR_PORT": str(ports.api_monitor),
            "SEAMARK_API_INGEST_URL": f"{ingest}://{reachable(choices.host)}:{ports.collector_http}",
            **{f"SEAMARK_API_INGEST_{name}": value for name, value in trust.items()},
            "SEAMARK_EXPORT_PATH": str(folder.part("exports")),
            # exports of long ranges read the archive
            "SEAMARK_ARCHIVE_URL": environ.get("SEAMARK_ARCHIVE_URL")
            or str(folder.part("archive")),
        },
    }


def _demo(choices: Choices, inherited: Mapping[str, str], scheme: Mapping[str, str]) -> StackPart:
    host, ports = reachable(choices.host), choices.ports

    def environment() -> Mapping[str, str]:
        credentials = choices.folder.read_credentials()  # they exist once provisioning has run
        wired = {
            "SEAMARK_DEMO_INGEST_URL": f"{scheme['collector']}://{host}:{ports.collector_http}",
            "SEAMARK_DEMO_GRPC_URL": f"{scheme['collector']}://{host}:{ports.collector_grpc}",
            "SEAMARK_DEMO_API_URL": f"{scheme['api']}://{host}:{ports.api}",
            "SEAMARK_DEMO_KEY": credentials["ingest_key"],
            "SEAMARK_DEMO_APP": credentials["app"],
        }
        if choices.demo_rate:
            wired["SEAMARK_DEMO_RATE"] = f"{choices.demo_rate:g}"
        return {**inherited, **wired}

    return StackPart("demo", (sys.executable, "-P", "-m", "seamark.demo"), environment)


def stream_bytes(log_bytes: int, environ: Mapping[str, str]) -> int:
    """Size of one stream, so that all of them fit into `log_bytes` whatever they hold.

    The user's SEAMARK_LOG_MAX_BYTES stands; provisioning says so when it does not fit.
    """
    settings = load(LogShape, prefix="SEAMARK_LOG", environ=environ)
    if "SEAMARK_LOG_MAX_BYTES" in environ:
        return settings.max_bytes
    streams = len(Signal) * settings.partitions + 1  # and the dead letters
    return min(settings.max_bytes, int(log_bytes * (1 - BUCKETS_SHARE)) // streams)


def overridden(choices: Choices, environ: Mapping[str, str]) -> list[str]:
    """Variables of the user's that `seamark up` decides itself and therefore does not heed."""
    secrets = Secrets(nats="", redis="", store="")
    wired = wiring(choices, secrets, environ=environ)
    ours = {name: value for part in wired.values() for name, value in part.items()}
    return sorted(name for name, value in ours.items() if environ.get(name, value) != value)
