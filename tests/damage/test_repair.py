"""`seamark repair` brings back exactly what the store has lost, and `verify` agrees."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.damage.parts import HARM, part_folders
from tests.support.until import until
from tests.system.recovery_load import Sender, ask, totals, wait_for_rows
from tests.system.stack import Stack, run
from tests.system.test_recovery_replay import same, wait_for_archive

pytestmark = [pytest.mark.system, pytest.mark.slow]
SETTINGS = {
    "SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "0.5",
    "SEAMARK_STORE_SERVER_CHECK_SECONDS": "0.5",
}
TABLES = ("events", "events_1m", "events_1h", "visits_15m", "ledger", "receipts", "errors")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("repair") / "data", environment=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def sent(stack: Stack) -> Sender:
    sender = Sender(stack)
    sender.send(15)
    wait_for_rows(stack, sender.accepted)
    wait_for_archive(stack, sender.accepted)
    return sender


def lost(stack: Stack) -> set[str]:
    """Tables that the store says it lost rows of."""
    found = ask(
        stack,
        "SELECT DISTINCT table FROM seamark.damaged_parts FINAL"
        " WHERE repaired_at = toDateTime64(0, 3)",
    )
    return {table for [table] in found}


def harm(stack: Stack, tables: tuple[str, ...]) -> None:
    """Damage one part of each, each in another way."""
    for index, table in enumerate(tables):
        folders = part_folders(table, lambda sql: ask(stack, sql))
        list(HARM.values())[index % len(HARM)](folders[0])


def health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def verify(stack: Stack) -> int:
    found = run(*("verify", "--data", str(stack.data), "--from", "1h", "--to", "now"), timeout=120)
    return found.returncode


def test_a_running_stack_is_repaired_from_the_log(stack: Stack, sent: Sender) -> None:
    before = totals(stack)
    harm(stack, TABLES)
    until(lambda: lost(stack), lambda found: found == set(TABLES), seconds=60)
    for url in (stack.urls.api, stack.urls.rows):
        said = until(lambda url=url: health(url)["degraded"], seconds=30)  # type: ignore[misc]
        assert "damaged parts" in {one["part"] for one in said}
    assert verify(stack) == 1

    planned = run("repair", "--data", str(stack.data), "--dry-run", "--json", timeout=60)
    assert planned.returncode == 0, planned.stderr
    assert {one["table"] for one in json.loads(planned.stdout)["partitions"]} == set(TABLES)
    assert lost(stack) == set(TABLES)

    done = run("repair", "--data", str(stack.data), timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not lost(stack)
    assert same(totals(stack), before), (totals(stack), before)
    assert verify(stack) == 0
    nothing = run("repair", "--data", str(stack.data), timeout=60)
    assert nothing.stdout.startswith("nothing to do"), nothing.stdout
    sent.send(3)
    wait_for_rows(stack, sent.accepted)
    until(lambda: health(stack.urls.api)["status"] == "ok", seconds=30)


def test_what_the_log_has_dropped_is_repaired_from_the_archive(stack: Stack, sent: Sender) -> None:
    wait_for_archive(stack, sent.accepted)
    before = totals(stack)
    folders = {
        table: part_folders(table, lambda sql: ask(stack, sql))
        for table in ("events", "events_1m", "events_1d")
    }
    purge(stack)
    stack.kill_all()
    until(lambda: not stack.left_over(within_seconds=0.1), seconds=30)
    for found in folders.values():
        shutil.rmtree(found[0], ignore_errors=True)
    stack.start().wait_ready()
    until(lambda: lost(stack), seconds=60)
    done = run("repair", "--data", str(stack.data), timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "archive" in done.stdout
    assert same(totals(stack), before), (totals(stack), before)
    assert verify(stack) == 0
    sent.send(2)
    wait_for_rows(stack, sent.accepted)


def purge(stack: Stack) -> None:
    """Drop the oldest messages of every stream, as retention does."""
    import asyncio

    from seamark.recovery.positions import open_log
    from seamark.recovery.stack import find

    async def work() -> None:
        async with open_log(find(stack.data, {}).log) as client:
            js = client.jetstream()
            for partition in range(find(stack.data, {}).log.partitions):
                name = f"SEAMARK_events_{partition}"
                state = (await js.stream_info(name)).state
                await js.purge_stream(name, seq=max(state.last_seq, 1))

    asyncio.run(work())
