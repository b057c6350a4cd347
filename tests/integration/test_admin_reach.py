"""A change is in every collector when it is answered, and within a second whatever was killed.

Two collectors on a real log; the API that changes things runs in this process.
"""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.admin_stack import ORG_ADMIN, Administered, administered, lay_out
from tests.support.collector_process import CollectorProcess, batch
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration
Collectors = tuple[CollectorProcess, CollectorProcess]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as running:
        asyncio.run(lay_out(running))
        yield running


@pytest.fixture(scope="module")
def collectors(log: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collectors]:
    with contextlib.ExitStack() as stack:
        made = [CollectorProcess(log, tmp_path_factory.mktemp("collector")) for _ in range(2)]
        for one in made:
            stack.enter_context(one)
        yield made[0], made[1]


@pytest.fixture
async def ask(log: NatsServer) -> AsyncIterator[Administered]:
    async with administered(log) as running:
        yield running


async def new_app(ask: Administered, name: str) -> tuple[str, str]:
    """The path of an app that is made, and its key."""
    made = await ask.made("POST", "/v1/admin/apps", {"appId": name}, token=ORG_ADMIN)
    return f"/v1/admin/apps/{name}", str(made["apiKey"]["key"])


def status(collector: CollectorProcess, key: str) -> int:
    return collector.send(batch(), key=key).status


async def statuses(collectors: Collectors, key: str) -> list[int]:
    return await asyncio.gather(*(asyncio.to_thread(status, one, key) for one in collectors))


async def test_what_is_answered_holds_in_every_collector(
    ask: Administered, collectors: Collectors
) -> None:
    for turn in range(5):
        path, key = await new_app(ask, f"new{turn}")
        assert await statuses(collectors, key) == [202, 202]
        await ask.made("POST", f"{path}:disable", token=ORG_ADMIN)
        assert await statuses(collectors, key) == [403, 403]
        await ask.made("POST", f"{path}:enable", token=ORG_ADMIN)
        assert await statuses(collectors, key) == [202, 202]


async def test_a_change_reaches_every_collector_whatever_was_killed(
    ask: Administered, collectors: Collectors
) -> None:
    """Of a key that is made when the log is back, no collector says that there is none."""
    for turn in range(3):
        await asyncio.to_thread(ask.log.kill)
        assert await statuses(collectors, "smk_unknown") == [503, 503]  # it may be a new one
        await asyncio.to_thread(ask.log.start)
        key = ""
        async with asyncio.timeout(20):
            while not key:
                answer = await ask(
                    "POST", "/v1/admin/apps", {"appId": f"after{turn}"}, token=ORG_ADMIN,
                    Idempotency_Key=f"turn {turn}",
                )  # fmt: skip
                assert answer.status in (201, 503), answer
                key = answer.body["apiKey"]["key"] if answer.status == 201 else ""
        made = time.monotonic()
        seen = Counter[int]()
        while (now := await statuses(collectors, key)) != [202, 202]:
            seen.update(now)
            assert time.monotonic() - made < 10
        assert not set(seen) - {202, 503}, seen
        assert await statuses(collectors, "smk_unknown") == [401, 401]


async def test_a_killed_collector_has_what_was_changed_meanwhile(
    ask: Administered, collectors: Collectors
) -> None:
    first, second = collectors
    path, key = await new_app(ask, "meanwhile")
    assert first.process is not None
    first.process.kill()
    first.process.wait()
    await ask.made("POST", f"{path}:disable", token=ORG_ADMIN)
    assert await asyncio.to_thread(status, second, key) == 403
    await asyncio.to_thread(first.start)
    assert await asyncio.to_thread(status, first, key) == 403


async def test_a_change_is_answered_only_when_every_watch_of_the_bucket_was_sent_it(
    ask: Administered,
) -> None:
    """A watch that takes one message at a time, as a process that is slow would."""
    paths = [(await new_app(ask, name))[0] for name in ("slow", "slower")]
    js = ask.client.jetstream()
    slow = await js.subscribe(
        f"$KV.{CONFIG_BUCKET}.>", stream=f"KV_{CONFIG_BUCKET}", manual_ack=True,
        config=ConsumerConfig(
            deliver_policy=DeliverPolicy.NEW, ack_policy=AckPolicy.EXPLICIT, max_ack_pending=1
        ),
    )  # fmt: skip
    try:
        await ask.made("PATCH", paths[0], {"platform": "web"}, token=ORG_ADMIN)
        first = await slow.next_msg(timeout=10)
        change = asyncio.create_task(
            ask.made("PATCH", paths[1], {"platform": "web"}, token=ORG_ADMIN)
        )
        _, pending = await asyncio.wait({change}, timeout=0.5)
        assert pending, "it was answered before the slow watch was sent it"
        assert ask.registry.apps["acme", "slower"].platform == "web"
        await first.ack()
        await change
    finally:
        await slow.unsubscribe()


@contextlib.contextmanager
def load(collectors: Collectors, key: list[str]) -> Iterator[Counter[int]]:
    """A sender to each collector that always uses the latest key, and the statuses it gets."""
    counted, over = Counter[int](), threading.Event()

    def send(collector: CollectorProcess) -> None:
        while not over.is_set():
            counted[status(collector, key[-1])] += 1

    threads = [threading.Thread(target=send, args=(one,)) for one in collectors]
    for thread in threads:
        thread.start()
    try:
        yield counted
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


async def test_a_key_is_rotated_under_load_without_one_refused_request(
    ask: Administered, collectors: Collectors
) -> None:
    path, first = await new_app(ask, "busy")
    key = [first]
    with load(collectors, key) as counted:
        for _ in range(10):
            rotated = await ask.made(
                "POST", f"{path}/keys:rotate", {"graceSeconds": 60}, token=ORG_ADMIN
            )
            key.append(rotated["key"])
            enough = counted.total() + 10  # both with the new key, and more
            await asyncio.to_thread(until, counted.total, enough.__le__, every=0.005)
    assert set(counted) == {202}, counted
    assert counted.total() >= 100
    assert await statuses(collectors, key[0]) == [202, 202]
    listed = (await ask.made("GET", f"{path}/keys", token=ORG_ADMIN))["keys"]
    assert sum(one["expiresAt"] is None for one in listed) == 1


async def test_a_key_without_grace_is_refused_at_once(
    ask: Administered, collectors: Collectors
) -> None:
    path, key = await new_app(ask, "sudden")
    assert await statuses(collectors, key) == [202, 202]
    await ask.made("POST", f"{path}/keys:rotate", {"graceSeconds": 0}, token=ORG_ADMIN)
    assert await statuses(collectors, key) == [401, 401]
