"""`python -m load.seed --events 100000000 --hours 24`: history enough to measure questions on.

The demo plays visits of one hour through the front ingest. What the store then holds is copied, in
the store, to earlier times and other people, until there are so many events: with the views behind
the raw tables, so rollups, sketches and the ledger are those that so many events would have made.
Spans and log records are copied along, their trace ids made anew. Prints its progress; a copy that
was made before is not made again, so it may be interrupted.
"""

import argparse
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from load.plain_http import request
from load.sample import Sampler
from load.stack import LoadStack, NotStarted, attach

PEOPLE_OF: Final = 50
"""After so many copies the same people come again."""
_HOUR_MS: Final = 3_600_000
_COPY_SECONDS: Final = 600.0

_SHIFTED: Final = "{column} - toIntervalMillisecond({{shift_ms:UInt64}}) AS {column}"
_TRACE: Final = (
    "if(trace_id = toFixedString('', 16), trace_id,"
    " toFixedString(sipHash128(trace_id, {copy:UInt32}), 16)) AS trace_id"
)
_SPAN: Final = (
    "if({column} = toFixedString('', 8), {column}, reinterpretAsFixedString("
    "sipHash64({column}, {{copy:UInt32}}))) AS {column}"
)


def _replaced(*columns: str) -> str:
    return ", ".join(_SHIFTED.format(column=column) for column in columns)


COPIES: Final = {
    "events": _replaced("time", "received_at", "ts")
    + ", concat(session_id, '-', toString({copy:UInt32})) AS session_id"
    + ", concat(user_id, '-', toString({people:UInt32})) AS user_id",
    "spans": ", ".join(
        (
            _replaced("time", "received_at"),
            _TRACE,
            _SPAN.format(column="span_id"),
            _SPAN.format(column="parent_span_id"),
        )
    ),
    "logs": ", ".join(
        (
            _replaced("time", "received_at", "observed_time"),
            _TRACE,
            _SPAN.format(column="span_id"),
        )
    ),
}
"""Raw table -> what is other in a copy."""
_ROWS: Final = (
    "FROM (SELECT * FROM seamark.{table} WHERE org = {{org:String}} AND app = {{app:String}}"
    " AND received_at >= fromUnixTimestamp64Milli({{from_ms:Int64}}, 'UTC')"
    " AND received_at < fromUnixTimestamp64Milli({{until_ms:Int64}}, 'UTC'))"
)
"""The original rows; in brackets, since a name in WHERE would mean what replaces the column."""
_LEDGER: Final = (
    "INSERT INTO seamark.ledger (org, app, signal, minute, key_id, requests, offered, accepted,"
    " rejected, archived, dead_letters) SELECT org, app, signal,"
    " toStartOfMinute(minute - toIntervalMillisecond({shift_ms:UInt64})) AS earlier, key_id,"
    " sum(requests), sum(offered), sum(accepted), sumMap(rejected), sum(stored), sum(dead_letters)"
    " FROM seamark.ledger WHERE org = {org:String} AND app = {app:String}"
    " AND signal IN ('events', 'traces', 'logs')"
    " AND minute >= toStartOfMinute(fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))"
    " AND minute < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')"
    " GROUP BY org, app, signal, earlier, key_id"
)
"""What the ledger has of the original, but `stored`: that is counted from the copied rows."""


class SeedStore:
    """The stack's store, asked as its owner."""

    def __init__(self, stack: LoadStack, **values: str | int) -> None:
        login = b64encode(f"seamark:{stack.folder.secrets().store}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._url = stack.store_url
        self.values = values

    def run(self, sql: str, *, token: str = "", **values: str | int) -> str:
        """Run a statement with its parameters; its answer as text. Raises BadAnswer. Blocks."""
        parameters = {f"param_{k}": str(v) for k, v in (self.values | values).items()}
        if token:
            parameters |= {
                "insert_deduplication_token": token,
                "deduplicate_blocks_in_dependent_materialized_views": "1",
            }
        return request(
            "POST",
            f"{self._url}/?{urlencode(parameters)}",
            body=sql.encode(),
            headers=self._headers,
            timeout_seconds=_COPY_SECONDS,
        ).decode()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(prog="python -m load.seed", description=__doc__)
    add = arguments.add_argument
    add("--data", type=Path, default=Path(".seamark"), help="folder of a running stack")
    add("--events", type=int, default=100_000_000, help="how many there shall be (100,000,000)")
    add("--hours", type=float, default=24.0, help="over how many hours before now (24)")
    add("--sessions", type=int, default=12_000, help="visits of the original hour (12,000)")
    return arguments


def play(stack: LoadStack, sessions: int) -> tuple[int, int]:
    """Let the demo play an hour; when it began and when all of it was stored, epoch ms. Blocks."""
    began = time.time_ns() // 1_000_000
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SEAMARK_")} | {
        "SEAMARK_DEMO_INGEST_URL": stack.ingest_url,
        "SEAMARK_DEMO_GRPC_URL": stack.grpc_url,
        "SEAMARK_DEMO_API_URL": stack.api_url,
    }
    credentials = ("--credentials", str(stack.folder.credentials))
    shape = ("--backfill", "1", "--sessions", str(sessions), "--rate", "0")
    command = [sys.executable, "-P", "-m", "seamark", "demo", *credentials, *shape]
    subprocess.run(command, env=environment, check=True)
    sampler = Sampler(stack, stack.pids())
    while sampler.lag().get("rows") != 0:
        time.sleep(0.2)
    return began, time.time_ns() // 1_000_000


def copies(store: SeedStore, *, wanted: int, hours: float) -> Iterator[tuple[int, int]]:
    """Copy until there are `wanted` events; yields (copies made, copies to make)."""
    rows = int(store.run("SELECT count() " + _ROWS.format(table="events")))
    if not rows:
        raise NotStarted("the demo's hour left no events to copy")
    count = max(0, -(-wanted // rows) - 1)
    for copy in range(1, count + 1):
        shift_ms = round(hours * _HOUR_MS * copy / (count + 1))
        values: dict[str, str | int] = {
            "copy": copy,
            "people": copy % PEOPLE_OF,
            "shift_ms": shift_ms,
        }
        token = f"seed-{store.values['from_ms']}-{copy}"
        for table, other in COPIES.items():
            sql = f"INSERT INTO seamark.{table} SELECT * REPLACE ({other}) " + _ROWS.format(
                table=table
            )
            store.run(sql, token=f"{token}-{table}", **values)
        store.run(_LEDGER, token=f"{token}-ledger", **values)
        yield copy, count


def main(argv: Sequence[str] | None = None) -> int:
    """Seed. Blocks. Exit 1 when no stack runs there."""
    options = parser().parse_args(argv)
    try:
        stack = attach(options.data)
        known = stack.folder.read_credentials()
        began, ended = play(stack, options.sessions)
        store = SeedStore(stack, org=known["org"], app=known["app"], from_ms=began, until_ms=ended)
        started = time.monotonic()
        for made, wanted in copies(store, wanted=options.events, hours=options.hours):
            seconds = time.monotonic() - started
            left = seconds / made * (wanted - made)
            print(f"\r{made:,} of {wanted:,} copies, {left:,.0f} s left ", end="", flush=True)
        total = int(store.run("SELECT count() FROM seamark.events"))
        print(f"\n{total:,} events in the store")
    except NotStarted as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
