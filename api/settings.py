"""SEAMARK_API_*: what the process that answers questions can be told."""

from dataclasses import dataclass

from seamark.service.settings import ServerSettings, setting


@dataclass(frozen=True, slots=True)
class ApiSettings(ServerSettings):
    """Where it listens, what one question may cost, how long answers are kept."""

    host: str = setting("127.0.0.1", text="Address to listen on.")
    port: int = setting(4320, text="Port for questions over HTTP.", minimum=0, maximum=65535)
    grpc_port: int = setting(
        4319, text="Port for questions over gRPC; 0 for no gRPC.", minimum=0, maximum=65535
    )
    monitor_port: int = setting(
        4324, text="Monitor port (`SEAMARK_MONITOR_*`).", minimum=0, maximum=65535
    )
    origins: str = setting(
        "", text="Origins that browsers may ask from (CORS), comma-separated; * for any."
    )
    body_bytes: int = setting(65536, unit="bytes", text="Largest question.", minimum=1024)
    query_seconds: float = setting(10.0, unit="s", text="Longest time for one query.", minimum=0.1)
    query_memory_bytes: int = setting(
        1024**3, unit="bytes", text="Most memory the store may use for one query."
    )
    query_rows: int = setting(
        1_000_000_000, unit="rows", text="Most rows the store may read for one query."
    )
    query_bytes: int = setting(
        32 * 1024**2, unit="bytes", text="Largest result of one query in the store."
    )
    concurrent_queries: int = setting(
        16, text="Queries in the store at one time; further ones wait.", minimum=1
    )
    search_days: int = setting(
        31, unit="d", text="Longest range of a search in logs or traces.", minimum=1
    )
    minute_days: int = setting(
        396, unit="d", text="How long rollups per minute are kept; older series are by hour."
    )
    live_cache_seconds: float = setting(
        1.0,
        unit="s",
        text="How long answers up to now are cached; they lag by as much.",
        minimum=0,
        maximum=60,
    )
    past_cache_seconds: float = setting(
        3600.0,
        unit="s",
        text="How long answers about the past are cached.",
        minimum=0,
        maximum=86400,
    )
    stale_cache_seconds: float = setting(
        86400.0,
        unit="s",
        text="How long answers are kept for when the store is away; 0 for not at all.",
        minimum=0,
    )
    ingest_url: str = setting(
        "http://127.0.0.1:4318", text="A collector, to which replays of dead letters are sent."
    )
    ingest_tls_name: str = setting(
        "", text="Name in that collector's certificate; empty for the host in `ingest_url`."
    )
    ingest_tls_ca: str = setting(
        "", text="CA file for https to that collector; empty for the system's."
    )
    tails: int = setting(64, text="Live tails of logs at one time, in all.", minimum=0)
    tails_per_org: int = setting(16, text="Live tails of logs of one org.", minimum=0)
    tail_poll_seconds: float = setting(
        1.0, unit="s", text="How often a live tail asks the store.", minimum=0.02
    )
    tail_overlap_seconds: float = setting(
        120.0,
        unit="s",
        text="How late a log record may land behind its neighbours and still be shown by a tail.",
        minimum=1,
        maximum=600,
    )
    tail_records_per_second: int = setting(
        500, text="Log records that a live tail shows in a second; of more, the newest.", minimum=1
    )
    tail_heartbeat_seconds: float = setting(
        10.0, unit="s", text="How long a live tail is silent when nothing is new.", minimum=0.02
    )

    @property
    def allowed_origins(self) -> frozenset[str]:
        """`origins` as a set."""
        return frozenset(part.strip() for part in self.origins.split(",") if part.strip())
