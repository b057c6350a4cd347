"""`python -m tests.damage.run --faults 300`: kills with damage in between, at random.

Each round: batches are sent and stored; something is damaged and something killed; `/readyz` of a
process or `verify` must name it within a minute; what can be repaired is, to the same counts; and
`verify` must agree. The seed is printed, so that a run can be made again.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seamark.recovery.positions import open_log
from seamark.recovery.stack import find
from seamark.wire.buckets import POSITIONS_BUCKET
from tests.damage.parts import HARM, part_folders
from tests.support.until import until
from tests.system.recovery_load import Sender, ask, totals, wait_for_rows
from tests.system.stack import Stack, run
from tests.system.test_recovery_replay import same, wait_for_archive

NAMED_SECONDS = 60.0
SETTINGS = {
    "SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "0.5",
    "SEAMARK_STORE_SERVER_CHECK_SECONDS": "1",
}
TABLES = (
    *("events", "events_1m", "events_1h", "events_1d", "visits_15m"),
    *("errors", "ledger", "receipts"),
)
PARTS = ("store", "rows", "archive", "collector", "api", "nats")


class Campaign:
    """One stack, damaged again and again."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack = stack
        self.random = random.Random(seed)
        self.sender = Sender(stack)
        self.named: Counter[str] = Counter()
        self.slowest = 0.0

    def round(self, number: int) -> str:
        """One fault, named and mended; what it was. Raises AssertionError."""
        self.sender.send(self.random.randint(1, 4))
        wait_for_rows(self.stack, self.sender.accepted)
        wait_for_archive(self.stack, self.sender.accepted)
        before = totals(self.stack)
        fault = self.random.choice((self.part, self.part, self.part, self.manifest, self.log))
        if number % 7 == 3:
            fault = self.positions
        said = fault()
        self.stack.wait_ready()
        wait_for_rows(self.stack, self.sender.accepted)
        after = totals(self.stack)
        assert same(after, before), (said, after, before)
        found = self.verify()
        assert found["verdict"] == "agree", (said, found["differences"], found["damaged"])
        return said

    def verify(self) -> dict[str, Any]:
        """What `seamark verify` says."""
        answer = run(
            *("verify", "--data", str(self.stack.data), "--from", "2h", "--to", "now"),
            *("--json", "--wait", "30"),
            timeout=200,
        )
        document: dict[str, Any] = json.loads(answer.stdout or '{"verdict": "not_counted"}')
        return document

    def health(self) -> str:
        """Everything that a process says of itself, in one text."""
        said = ""
        for url in (self.stack.urls.rows, self.stack.urls.api, self.stack.urls.ingest):
            with contextlib.suppress(OSError, ValueError):
                try:
                    with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
                        said += answer.read().decode()
                except urllib.error.HTTPError as refused:
                    said += refused.read().decode()
        return said

    def wait_named(self, kind: str, words: str) -> None:
        """Health names it within a minute, and `verify` says no."""
        began = time.monotonic()
        until(self.health, lambda said: words in said, seconds=NAMED_SECONDS, every=0.2)
        self.slowest = max(self.slowest, time.monotonic() - began)
        found = self.verify()
        assert found["verdict"] == "differ", (kind, found)
        self.named[kind] += 1

    def kill(self, name: str) -> None:
        """SIGKILL a part, and wait until it runs again."""
        pid = self.stack.kill(name)
        until(lambda: self.stack.pids.get(name, pid) != pid, seconds=30, every=0.05)

    def part(self) -> str:
        """A part of a table is harmed; something is killed."""
        table = self.random.choice(TABLES)
        how = self.random.choice(sorted(HARM))
        return self._harmed(table, how)

    def manifest(self) -> str:
        """A part of the archive's manifest is harmed."""
        return self._harmed("archive_files", self.random.choice(sorted(HARM)))

    def _harmed(self, table: str, how: str) -> str:
        folders = part_folders(table, lambda sql: ask(self.stack, sql))
        folder = self.random.choice(folders)
        HARM[how](folder)
        killed = self.random.choice((*PARTS, "store", ""))
        if killed:
            self.kill(killed)
        self.stack.wait_ready()
        said = f"{table} {how}, {killed or 'nothing'} killed"
        if not self._lost(table, folder):
            return f"{said}; the part had just been merged into another"
        kind = "manifest" if table == "archive_files" else "part"
        self.wait_named(kind, "damaged parts")
        done = run("repair", "--data", str(self.stack.data), timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return said

    def _lost(self, table: str, folder: Path) -> bool:
        """False when the part was merged in time; its round then compares all counts."""
        deadline = time.monotonic() + NAMED_SECONDS
        while time.monotonic() < deadline:
            if ask(self.stack, "SELECT 1 FROM seamark.damaged_parts FINAL WHERE repaired_at = 0"):
                return True
            time.sleep(0.2)
        active = part_folders(table, lambda sql: ask(self.stack, sql))
        log = (self.stack.data / "logs" / "store.log").read_text()[-2000:]
        assert folder not in active, (table, folder, log)
        return False

    def positions(self) -> str:
        """The bucket of positions is deleted, and the sinks are killed: nothing may double."""

        async def delete() -> None:
            async with open_log(find(self.stack.data, {}).log) as client:
                js = client.jetstream()
                await js.purge_stream(f"KV_{POSITIONS_BUCKET}")

        asyncio.run(delete())
        for name in ("rows", "archive"):
            self.kill(name)
        self.named["positions (found again, nothing lost)"] += 1
        return "positions deleted, rows and archive killed"

    def log(self) -> str:
        """A block of the log is garbled, nats-server killed; mended as the document says."""
        streams = self.stack.data / "nats/jetstream/$G/streams"
        blocks = [
            path
            for path in streams.glob("SEAMARK_events_*/msgs/*.blk")
            if path.stat().st_size > 1000
        ]
        path = self.random.choice(sorted(blocks))
        stream = path.parts[-3]
        os.kill(self.stack.pids["nats"], signal.SIGSTOP)
        held = bytearray(path.read_bytes())
        at = len(held) // 3
        held[at : at + 64] = self.random.randbytes(64)
        path.write_bytes(held[: len(held) // 2])
        (path.parent / "index.db").unlink(missing_ok=True)
        self.kill("nats")
        self.wait_named("log block", stream)
        self._begin_anew(stream)
        return f"{path.name} of {stream} cut and garbled, nats killed"

    def _begin_anew(self, stream: str) -> None:
        """Both records and the stream are deleted; the next start makes it anew."""

        async def delete() -> None:
            async with open_log(find(self.stack.data, {}).log) as client:
                js = client.jetstream()
                await js.delete_stream(stream)
                bucket = await js.key_value(POSITIONS_BUCKET)
                for sink in ("rows", "archive"):
                    await bucket.delete(f"{sink}.{stream}")

        asyncio.run(delete())
        self.stack.stop()
        self.stack.start().wait_ready()


def campaign(
    folder: Path, *, faults: int, seed: int, seconds: float, say: Callable[[str], Any]
) -> int:
    """Run it; the faults that were done."""
    done = 0
    until = time.monotonic() + seconds
    with Stack(folder / "data", environment=SETTINGS) as stack:
        run_ = Campaign(stack, seed)
        while done < faults and time.monotonic() < until:
            began = time.monotonic()
            said = run_.round(done)
            done += 1
            say(f"{done}: {said}; {time.monotonic() - began:.0f} s")
        say(f"{done} faults, each named and mended, none silent: {dict(run_.named)}")
        say(f"named by health within {run_.slowest:.1f} s at most")
    return done


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--seconds", type=float, default=6 * 3600.0)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="seamark-damage-") as folder:
        campaign(
            Path(folder),
            faults=given.faults,
            seed=given.seed,
            seconds=given.seconds,
            say=lambda line: print(line, flush=True),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
