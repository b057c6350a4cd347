"""Where the stack under load is, and the secrets to use it with; never from the command line.

The secrets come from a credentials file (what `seamark up` writes into its data folder) or from
SEAMARK_LOAD_KEY, SEAMARK_LOAD_TOKEN and SEAMARK_LOAD_APP.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from seamark.demo.access import DemoAccess, read_access

PREFIX = "SEAMARK_LOAD"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A plain-HTTP server: the address to connect to, and the Host header to send."""

    address: tuple[str, int]
    host: str


def endpoint(url: str) -> Endpoint:
    """Resolve `http://host:port`. Raises ValueError for another scheme, OSError when unknown."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{url!r} is not http://host:port; the generator speaks plain HTTP")
    port = parts.port or 80
    found = socket.getaddrinfo(parts.hostname, port, socket.AF_INET, socket.SOCK_STREAM)
    address = found[0][4]
    return Endpoint((str(address[0]), int(address[1])), f"{parts.hostname}:{port}")


def access(credentials: Path | None) -> DemoAccess:
    """The secrets and addresses for this run. Raises ValueError when there is no ingest key."""
    return read_access(os.environ, credentials, prefix=PREFIX)
