"""SEAMARK_COLLECTOR_*: every setting of the collector, and what is checked of them at boot."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from collector.admission.addresses import read_networks
from seamark.service.settings import ServerSettings, SettingsError, setting
from seamark.service.tls import server_context
from seamark.wire.limits import OTLP_BODY_BYTES, OTLP_EXPANDED_BYTES, OTLP_INFLATED_BYTES

PREFIX = "SEAMARK_COLLECTOR"


@dataclass(frozen=True, slots=True)
class CollectorSettings(ServerSettings):
    """The collector's own settings; those of the log are `LogSettings`."""

    host: str = setting("127.0.0.1", text="Address the collector listens on, HTTP and gRPC.")
    port: int = setting(4318, text="HTTP port: native and OTLP/HTTP.", minimum=1, maximum=65535)
    grpc_port: int = setting(4317, text="OTLP/gRPC port; 0 for no gRPC.", minimum=0, maximum=65535)
    monitor_port: int = setting(
        4323, text="Monitor port (`SEAMARK_MONITOR_*`).", minimum=0, maximum=65535
    )
    processes: int = setting(
        max(1, (os.cpu_count() or 1) // 2),
        text="Collector processes, sharing the ports by SO_REUSEPORT. Default: half the CPUs.",
        minimum=1,
        maximum=256,
    )
    connections: int = setting(
        10_000, text="HTTP connections per process; more are answered 503.", minimum=1
    )
    connections_per_address: int = setting(
        2_000,
        text="HTTP connections of one address (IPv6: of one /64 network) per process; more are "
        "answered 429. Addresses of `trusted_proxies` have no such limit.",
        minimum=1,
    )
    keepalive_seconds: float = setting(
        75.0, unit="s", text="How long an idle connection is kept open.", minimum=0.1
    )
    header_deadline_seconds: float = setting(
        10.0, unit="s", text="Longest time for a request's headers; then 408.", minimum=0.05
    )
    body_deadline_seconds: float = setting(
        30.0, unit="s", text="Longest time for a request's body; then 408.", minimum=0.05
    )
    body_rate_bytes_per_second: int = setting(
        1024,
        unit="bytes/s",
        text="Least rate of a body, over any `body_rate_seconds`; slower is 408. 0: none.",
        minimum=0,
    )
    body_rate_seconds: float = setting(
        5.0, unit="s", text="Time over which the rate of a body is taken.", minimum=0.05
    )
    in_flight_bytes: int = setting(
        160 * 1024 * 1024,
        unit="bytes",
        text="Bodies held in memory per process, as sent and inflated; beyond it ingest is 503. "
        "Not less than the two limits of an OTLP request together.",
        minimum=8 * 1024 * 1024,
    )
    key_share_percent: float = setting(
        50.0,
        unit="%",
        text="Of `in_flight_bytes`, what the bodies of one key may hold; more is 429. Each share "
        "holds the largest OTLP request.",
        minimum=1.0,
        maximum=100.0,
    )
    org_share_percent: float = setting(
        60.0,
        unit="%",
        text="The same of one org. When all of `in_flight_bytes` is held, the slowest bodies of "
        "the org that holds most are ended for others.",
        minimum=1.0,
        maximum=100.0,
    )
    address_share_percent: float = setting(
        60.0,
        unit="%",
        text="The same of one address (IPv6: of one /64 network), which is the sender's where "
        "`trusted_proxies` says so.",
        minimum=1.0,
        maximum=100.0,
    )
    otlp_body_bytes: int = setting(
        OTLP_BODY_BYTES,
        unit="bytes",
        text="Largest OTLP/HTTP request as sent; more is 413. A native batch may be 512 KB.",
        minimum=64 * 1024,
    )
    otlp_inflated_bytes: int = setting(
        OTLP_INFLATED_BYTES,
        unit="bytes",
        text="Largest OTLP request once inflated, over HTTP and gRPC; over gRPC also as sent.",
        minimum=64 * 1024,
    )
    otlp_expanded_bytes: int = setting(
        OTLP_EXPANDED_BYTES,
        unit="bytes",
        text="What an OTLP request may become in the store, where every item repeats the "
        "attributes of its resource and scope; more is 413.",
        minimum=1024 * 1024,
    )
    grpc_connections: int = setting(
        1_000, text="gRPC connections per process; more are closed at once.", minimum=1
    )
    dead_letters_per_minute: int = setting(
        6_000,
        text="Rejected items kept as they were sent, per app and minute in each process; 0: none.",
        minimum=0,
    )
    spool_path: str = setting(
        "",
        text="Folder where ingest is kept while the log is away; empty: none, and ingest is 503 "
        "then. It has to outlive the process.",
    )
    spool_max_bytes: int = setting(
        1024**3,
        unit="bytes",
        text="Size of the spool, of all processes together; beyond it ingest is 503.",
        minimum=16 * 1024 * 1024,
    )
    spool_org_percent: float = setting(
        50.0,
        unit="%",
        text="Of the spool, what one org may have; more is 429 until the log has taken it.",
        minimum=1.0,
        maximum=100.0,
    )
    spool_after_seconds: float = setting(
        1.0,
        unit="s",
        text="How long a message waits for the log's acknowledgement before it is spooled.",
        minimum=0.05,
        maximum=60.0,
    )
    disk_path: str = setting(
        "",
        text="Folder of the log's data where it is on this machine: ingest is shed before its disk "
        "is full. Empty: not looked at.",
    )
    disk_keep_bytes: int = setting(
        256 * 1024 * 1024,
        unit="bytes",
        text="Left free on the disks of the log and the spool: with four times this, what is worth "
        "least is refused; with twice, all but errors; with this, everything.",
        minimum=0,
    )
    shed_least_percent: float = setting(
        85.0,
        unit="%",
        text="Fill of a stream, or of the spool, from which spans without an error and log records "
        "below WARN are refused.",
        minimum=1.0,
        maximum=101.0,
    )
    shed_most_percent: float = setting(
        95.0,
        unit="%",
        text="Fill from which all but errors is refused.",
        minimum=1.0,
        maximum=101.0,
    )
    stop_seconds: float = setting(
        5.0, unit="s", text="How long a stopping collector finishes what it has.", minimum=0.0
    )
    require_sync_always: bool = setting(
        True,
        text="Answer 503 unless the log is seen to run with `sync_interval: always`: without it "
        "a power cut loses what was acknowledged.",
    )
    trusted_proxies: str = setting(
        "",
        text="Networks of proxies whose X-Forwarded-For is believed, comma-separated.",
    )
    country_header: str = setting(
        "", text="Header of a trusted proxy with the client's country (CF-IPCountry); empty: none."
    )
    datacenter: str = setting("", text="Label of this place, kept with every record.")
    log_style: str = setting(
        "auto",
        text="Log lines as json or text; auto: text on a terminal.",
        choices=("auto", "json", "text"),
    )


def verify(settings: CollectorSettings) -> ssl.SSLContext | None:
    """The TLS context, or None without TLS. Reads the certificate; blocks.

    Raises SettingsError naming everything that cannot work.
    """
    problems: list[str] = []
    context = None
    try:
        read_networks(settings.trusted_proxies)
    except ValueError as error:
        problems.append(f"{PREFIX}_TRUSTED_PROXIES: {error}")
    try:
        context = server_context(settings.tls_cert, settings.tls_key, prefix=PREFIX)
    except SettingsError as error:
        problems.extend(error.problems)
    if settings.spool_path and (problem := _unusable(Path(settings.spool_path))):
        problems.append(f"{PREFIX}_SPOOL_PATH: {problem}")
    largest = settings.otlp_body_bytes + settings.otlp_inflated_bytes
    for share in ("key", "org", "address"):
        percent = getattr(settings, f"{share}_share_percent")
        if settings.in_flight_bytes * percent / 100 < largest:
            problems.append(
                f"{PREFIX}_{share.upper()}_SHARE_PERCENT of {PREFIX}_IN_FLIGHT_BYTES is below "
                f"{PREFIX}_OTLP_BODY_BYTES and {PREFIX}_OTLP_INFLATED_BYTES together: the largest "
                "request could never be taken"
            )
    if settings.shed_most_percent < settings.shed_least_percent:
        problems.append(f"{PREFIX}_SHED_MOST_PERCENT is below {PREFIX}_SHED_LEAST_PERCENT")
    if problems:
        raise SettingsError(*problems)
    return context


def _unusable(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"{folder} cannot be made: {error.strerror}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"{folder} cannot be written"
