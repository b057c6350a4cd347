"""Configuration files of the servers that are not ours. Pure: values in, text out."""

import json
from pathlib import Path

from seamark.standalone.ports import Ports

MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
"""Largest log message. Coalesced ones stay below 1 MiB; one batch at every limit needs more."""


def nats(ports: Ports, *, store: Path, password: str, log_bytes: int) -> str:
    """nats-server's file: a JetStream that is on the disk before it acknowledges.

    No lame-duck period: that is asked for by SIGUSR2, and SIGTERM ends the server at once.
    """
    return f"""\
server_name: seamark
listen: "127.0.0.1:{ports.nats}"
http: "127.0.0.1:{ports.nats_monitor}"
max_payload: {MAX_PAYLOAD_BYTES}
authorization {{
  user: seamark
  password: {_quoted(password)}
}}
jetstream {{
  store_dir: {_quoted(str(store))}
  sync_interval: always
  max_memory_store: {64 * 1024 * 1024}
  max_file_store: {log_bytes}
}}
"""


def redis(ports: Ports, *, folder: Path, password: str) -> str:
    """redis-server's file: a cache. Nothing is kept over a restart, nothing grows past 128 MB."""
    return f"""\
bind 127.0.0.1
port {ports.redis}
requirepass {_quoted(password)}
daemonize no
dir {_quoted(str(folder))}
save ""
appendonly no
maxmemory 128mb
maxmemory-policy allkeys-lru
"""


def _quoted(text: str) -> str:
    """A string as both servers read it: double quotes, backslash escapes, UTF-8 as it is."""
    return json.dumps(text, ensure_ascii=False)
