"""SEAMARK_STORE_SERVER_*."""

from dataclasses import dataclass

from seamark.service.loopback import is_loopback
from seamark.service.settings import ServerSettings, SettingsError, setting

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoreServerSettings(ServerSettings):
    """SEAMARK_STORE_SERVER_*: the embedded store."""

    host: str = setting("127.0.0.1", text="Address the store listens on.")
    port: int = setting(8123, text="Port the store listens on.", minimum=1, maximum=65535)
    path: str = setting("data/store", text="Folder the store keeps its data in.")
    password: str = setting("", text="Password of the user `seamark`.", secret=True)
    threads: int = setting(8, text="Queries carried out at a time.", minimum=1, maximum=64)
    insert_threads: int = setting(
        2, text="Inserts carried out at a time beside the queries.", minimum=1, maximum=16
    )
    waiting: int = setting(
        256, text="Requests that may wait for a thread; beyond it the answer is 503.", minimum=1
    )
    memory_bytes: int = setting(
        2048 * _MIB, unit="bytes", text="Memory the engine may use.", minimum=256 * _MIB
    )
    max_body_bytes: int = setting(
        256 * _MIB, unit="bytes", text="Largest request body, as sent.", minimum=_MIB
    )
    max_unpacked_bytes: int = setting(
        2048 * _MIB, unit="bytes", text="Largest request body, decompressed.", minimum=_MIB
    )
    fsync: bool = setting(True, text="Whether an insert is on disk before it is acknowledged.")
    disk_keep_bytes: int = setting(
        64 * _MIB,
        unit="bytes",
        text="Free disk that inserts and merges leave alone; what would need it is refused.",
        minimum=0,
    )
    check_bytes_per_second: int = setting(
        8 * _MIB,
        unit="bytes",
        text="How much of the parts on disk is read again each second, to find damage.",
        minimum=0,
    )
    check_seconds: float = setting(
        5.0,
        unit="s",
        text="How often the parts on disk are compared with what they were.",
        minimum=0.1,
        maximum=60,
    )
    stop_seconds: float = setting(
        5.0, unit="s", text="How long inserts may take to finish at a stop.", minimum=0, maximum=6
    )

    def check(self) -> None:
        """Raises SettingsError for values that are wrong together."""
        if not self.password and not is_loopback(self.host):
            raise SettingsError(
                f"SEAMARK_STORE_SERVER_PASSWORD is needed to listen on {self.host!r}, "
                "which is not a loopback address"
            )
