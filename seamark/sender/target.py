"""Addresses, key and token of a stack: from its data folder, or from a credentials file.

Secrets are read from files, never from arguments. Addresses are those of the stack that runs in the
data folder, unless others are given.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from seamark.service.settings import SettingsError
from seamark.standalone.folder import Folder
from seamark.standalone.ports import Ports
from seamark.standalone.public_addresses import public_addresses
from seamark.standalone.status import running_addresses


class _Credentials(msgspec.Struct, frozen=True):
    """Of `credentials.json`. A file for a sender alone has no token."""

    ingest_key: str
    app: str = ""
    org: str = ""
    query_token: str = ""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses from options; "" where there is none. `offset`: of `seamark up`."""

    ingest: str = ""
    grpc: str = ""
    api: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A stack. Addresses have no slash at their end; `grpc` is a URL too."""

    ingest: str
    grpc: str
    api: str
    file: Path
    """Where the key stands."""
    app: str
    org: str
    key: str = field(repr=False)
    token: str = field(repr=False)
    ca: str = ""


def find(data: Path, credentials: Path | None, given: Addresses, *, ca: str = "") -> Target:
    """The stack of `data`, or the one that `credentials` and `given` name. Blocks for moments.

    Raises SettingsError when there is no readable credentials file.
    """
    folder = Folder(data.absolute())
    file = credentials or folder.credentials
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_Credentials)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: there is no such file. `seamark up` makes it; --data DIR says where it ran, "
            "--credentials FILE names another"
        ) from error
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SettingsError(f"{file} is not a credentials file: {error}") from error
    ports = Ports(given.offset)
    running = running_addresses(folder) if credentials is None else None
    usual = running or public_addresses("127.0.0.1", ports, {})
    ingest = given.ingest or usual.ingest
    return Target(
        ingest=ingest.rstrip("/"),
        grpc=given.grpc or (running.grpc_url if running else _beside(ingest, ports)),
        api=(given.api or usual.api).rstrip("/"),
        file=file.absolute(),
        app=found.app,
        org=found.org,
        key=found.ingest_key,
        token=found.query_token,
        ca=ca,
    )


def _beside(ingest: str, ports: Ports) -> str:
    """gRPC listens on the same host, one port below as long as both are the usual ones."""
    scheme, _, rest = ingest.rstrip("/").partition("://")
    host, colon, port = rest.rpartition(":")
    if colon and port.isdigit():
        return f"{scheme}://{host}:{int(port) - 1}"
    return f"{scheme}://{rest}:{ports.collector_grpc}"
