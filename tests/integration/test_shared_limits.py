"""What collectors share in Redis: the real script does what the oracle in Python does, and a server
that is no Redis counts as away."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio

from collector.admission.limits.bucket import Ask, Grant
from collector.limiting.shared_limits import PREFIX, Away, SharedLimits, read_counts, read_grants
from collector.limiting.totals_file import TotalsFile
from tests.properties.limit_world import PlainRedis

pytestmark = pytest.mark.integration


@pytest.fixture
async def client(cache_url: str) -> AsyncIterator["redis.asyncio.Redis"]:
    connected = redis.asyncio.Redis.from_url(cache_url)
    yield connected
    await connected.aclose()


async def test_the_script_leases_as_the_oracle_does(client: "redis.asyncio.Redis") -> None:
    shared, oracle, rng = SharedLimits(client, seconds=5), PlainRedis(), random.Random(4)
    started = time.monotonic()
    for _ in range(60):
        asks = [
            Ask(
                f"b{number}",
                rate=rate,
                capacity=rate * 10,
                booked=rng.choice([0.0, 0.0, rate, -rate, 30 * rate]),
                wanted=rng.choice([0.0, rate, 20 * rate]),
            )
            for number, rate in enumerate((0.001, 5.0, 1e9))
        ]
        before = time.monotonic() - started
        grants = await shared.lease(asks)
        oracle.now = time.monotonic() - started
        for ask, grant, expected in zip(asks, grants, map(oracle.lease, asks), strict=True):
            # both clocks run on between the two
            slack = ask.rate * (oracle.now - before + 0.02)
            assert math.isclose(grant.granted, expected.granted, abs_tol=slack)
            assert math.isclose(grant.level, expected.level, abs_tol=slack)
            oracle.buckets[ask.name] = grant.level, oracle.now
    assert await client.pttl(PREFIX + "b1") > 0


@pytest.mark.parametrize("found", [b"", b"x", b"1", b"nan 5", b"1 nan", b"1 2 3", b"\xff \xff"])
async def test_what_is_no_bucket_is_a_full_one(client: "redis.asyncio.Redis", found: bytes) -> None:
    await client.set(PREFIX + "b", found)
    [grant] = await SharedLimits(client, seconds=5).lease([Ask("b", 1.0, 10.0, 0.0, 4.0)])
    assert grant == Grant(4.0, 6.0)


async def test_a_clock_that_went_back_refills_nothing(client: "redis.asyncio.Redis") -> None:
    future = (time.time() + 3600) * 1e6
    await client.set(PREFIX + "b", f"2 {future:.0f}")
    shared = SharedLimits(client, seconds=5)
    [grant] = await shared.lease([Ask("b", 1.0, 10.0, 0.0, 4.0)])
    assert grant == Grant(2.0, 0.0)


async def test_keys_of_another_type_are_replaced(client: "redis.asyncio.Redis") -> None:
    await client.hset(PREFIX + "b", "a", "1")
    await client.set(PREFIX + "month:2026-12", "none")
    shared = SharedLimits(client, seconds=5)
    [grant] = await shared.lease([Ask("b", 1.0, 10.0, 1.0, 4.0)])
    known = await shared.merge("month:2026-12", {"c:org:a": 4}, keep_seconds=60)
    assert (grant, known) == (Grant(4.0, 5.0), {"c:org:a": 4})


async def test_of_two_counts_the_larger_is_kept(client: "redis.asyncio.Redis") -> None:
    shared = SharedLimits(client, seconds=5)
    await shared.merge("m", {"c1:org:a": 5, "c2:org:a": 1}, keep_seconds=60)
    await client.hset(PREFIX + "m", "c3:org:a", "many")
    known = await shared.merge("m", {"c1:org:a": 3, "c2:org:a": 7}, keep_seconds=60)
    assert known == {"c1:org:a": 5, "c2:org:a": 7}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*2\r\n$3\r\nnan\r\n$3\r\ninf\r\n",
        b"*2\r\n$5\r\n1e300\r\n$1\r\n0\r\n",
        b"*1\r\n$1\r\n1\r\n",
        b"+OK\r\n",
        b"-OOM command not allowed\r\n",
        b"*100000000\r\n",
        b"\xff" * 1000,
    ],
)
async def test_a_server_that_is_no_redis_is_away_within_its_time(answer: bytes | None) -> None:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if answer is not None:
                writer.write(answer * 8)
        writer.close()

    server = await asyncio.start_server(hostile, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = redis.asyncio.Redis(host="127.0.0.1", port=port, socket_timeout=0.3)
    shared = SharedLimits(client, seconds=0.5)
    async with asyncio.timeout(5):
        with pytest.raises(Away):
            await shared.lease([Ask("b", 1.0, 10.0, 0.0, 4.0)])
        with pytest.raises(Away):
            await shared.probe()
    await shared.close()
    server.close()


async def test_a_redis_that_takes_no_writes_is_not_back(client: "redis.asyncio.Redis") -> None:
    shared = SharedLimits(client, seconds=5)
    await shared.probe()
    await client.config_set("maxmemory", "1")
    with pytest.raises(Away):
        await shared.probe()


def test_an_answer_is_taken_only_when_it_is_one() -> None:
    ask = Ask("b", 1.0, 10.0, 0.0, 4.0)
    for answer in (None, [], [b"1"], [b"1", b"x"], [b"5", b"0"], [b"-1", b"0"], [b"1", b"inf"]):
        with pytest.raises(Away):
            read_grants(answer, [ask])
    assert read_grants([b"4", b"-2"], [ask]) == [Grant(4.0, -2.0)]
    for other in (None, [b"a"], 7):
        with pytest.raises(Away):
            read_counts(other)
    assert read_counts([b"a:b", b"5", b"c:d", b"-5", b"e:f", b"9" * 99, 7, b"1"]) == {"a:b": 5}


def test_a_file_that_is_none_counts_nothing(tmp_path: Path) -> None:
    file = TotalsFile(tmp_path, 3)
    assert file.read() == {}
    file.write({"month:2026-12": {"c:org:a": 5}})
    assert TotalsFile(tmp_path, 3).read() == {"month:2026-12": {"c:org:a": 5}}
    for spoilt in (b"", b"{", b"[]", b'{"a": 5}', b"\xff"):
        (tmp_path / "limits-3.json").write_bytes(spoilt)
        assert file.read() == {}
