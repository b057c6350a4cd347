"""Where a stack is and the secrets to use it with: environment, or a credentials file.

Secrets never come from the command line, where every user of the machine could read them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec


class _Lock(msgspec.Struct, frozen=True):
    """Of the file that `seamark up` keeps beside its credentials."""

    port_offset: int


class _Credentials(msgspec.Struct, frozen=True):
    """What `seamark up` writes to `credentials.json`."""

    ingest_key: str
    query_token: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """Addresses without a trailing slash; `token` and `app` may be empty."""

    ingest_url: str
    grpc_url: str
    api_url: str
    key: str
    token: str
    app: str

    def at(self, *, ingest_url: str, api_url: str) -> "DemoAccess":
        """The same secrets for a stack at other addresses."""
        return dataclasses.replace(self, ingest_url=ingest_url, api_url=api_url)


def read_access(
    environ: Mapping[str, str],
    credentials: Path | None,
    *,
    prefix: str,
    port_offset: int | None = None,
) -> DemoAccess:
    """Read `<prefix>_INGEST_URL`, `_GRPC_URL`, `_API_URL`, `_KEY`, `_TOKEN` and `_APP`.

    A variable that is set takes precedence over the file, and an address before those of a stack on
    this machine with `port_offset`, by default that of the stack whose file it is. Raises
    ValueError when the file is not readable or there is no ingest key anywhere.
    """
    from_file = _Credentials(ingest_key="")
    if credentials is not None:
        try:
            from_file = msgspec.json.decode(credentials.read_bytes(), type=_Credentials)
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(f"{credentials} is not a credentials file: {error}") from error

    offset = _offset_of(credentials) if port_offset is None else port_offset

    def address(name: str, port: int) -> str:
        default = f"http://127.0.0.1:{port + offset}"
        return environ.get(f"{prefix}_{name}_URL", default).rstrip("/")

    key = environ.get(f"{prefix}_KEY") or from_file.ingest_key
    if not key:
        raise ValueError(f"no ingest key: set {prefix}_KEY, or name a file with --credentials")
    return DemoAccess(
        ingest_url=address("INGEST", 4318),
        grpc_url=address("GRPC", 4317),
        api_url=address("API", 4320),
        key=key,
        token=environ.get(f"{prefix}_TOKEN") or from_file.query_token,
        app=environ.get(f"{prefix}_APP") or from_file.app,
    )


def _offset_of(credentials: Path | None) -> int:
    """With which `seamark up` last ran in the folder of this file; 0 where it did not."""
    if credentials is None:
        return 0
    try:
        lock = credentials.with_name("lock").read_bytes()
        return msgspec.json.decode(lock, type=_Lock).port_offset
    except (OSError, msgspec.DecodeError):
        return 0
