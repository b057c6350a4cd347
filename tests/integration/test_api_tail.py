"""Live tails over HTTP, against the real store: what is inserted is told once, to its own."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from api.query.statement import Statement
from api.reasons import QuestionReason
from api.store import Rows
from seamark.service.registry import TokenRecord, digest
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.failures import Unavailable
from seamark.wire.receipts import new_receipt
from seamark.wire.signals import Signal
from tests.support.questions_stack import SECRETS, Asking, RunningStore, asking

pytestmark = pytest.mark.integration
PATH = "/v1/query/logs/tail"
PACE: dict[str, Any] = {"tail_poll_seconds": 0.05, "tail_heartbeat_seconds": 0.3}


@dataclass
class Writer:
    """Puts log records into the store, each call one request; a mark tells tests apart."""

    store: RunningStore
    mark: str
    sent: int = 0

    async def write(
        self, *bodies: str, ago_ms: int = 0, org: str = "acme", app: str = "shop", severity: int = 9
    ) -> None:
        request = ExportLogsServiceRequest()
        scope = request.resource_logs.add().scope_logs.add()
        for body in bodies:  # equal bodies are records that are equal in everything
            scope.log_records.add(
                body=AnyValue(string_value=body),
                severity_number=severity,
                # long ago: tails go by arrival, and by time within one request
                time_unix_nano=1_795_000_000_000_000_000 + bodies.index(body),
                attributes=[KeyValue(key="test", value=AnyValue(string_value=self.mark))],
            )
        received_ms = time.time_ns() // 1_000_000 - ago_ms
        self.sent += 1
        envelope = encode_envelope(
            Sender(org=org, app=app).encode(),
            receipt=new_receipt(received_ms, self.sent.to_bytes(10, "big")),
            received_ns=received_ms * 1_000_000,
            sent_ms=None,
            outcome=Outcome(len(bodies), len(bodies)),
            signal=Signal.LOGS,
            body=request.SerializeToString(),
        )
        await self.store.insert(Signal.LOGS, [envelope])

    @property
    def asked(self) -> dict[str, Any]:
        return {"filters": [{"key": "test", "op": "=", "value": self.mark}]}


@pytest.fixture
def writer(store: RunningStore, request: pytest.FixtureRequest) -> Writer:
    return Writer(store, request.node.name)


@dataclass
class Told:
    """What a tail has told so far: events with their kinds, and the cursor."""

    response: aiohttp.ClientResponse
    events: list[tuple[str, Any]] = field(default_factory=list)
    cursor: str = ""

    async def next(self, *, heartbeats: bool = False) -> tuple[str, Any]:
        """The next event; heartbeats are passed over unless they are wanted."""
        while True:
            lines: dict[str, str] = {}
            async with asyncio.timeout(15):
                while (line := await self.response.content.readline()) not in (b"\n", b""):
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    lines[name] = value
            if not lines:
                raise EOFError
            self.cursor = lines.get("id", self.cursor)
            kind, data = lines["event"], json.loads(lines["data"])
            self.events.append((kind, data))
            if heartbeats or kind != "heartbeat":
                return kind, data

    async def bodies(self, count: int) -> list[str]:
        """The bodies of the next records, at least so many."""
        found: list[str] = []
        while len(found) < count:
            kind, data = await self.next()
            assert kind == "logs", (kind, data)
            found += [record["body"] for record in data["logs"]]
        return found


@contextlib.asynccontextmanager
async def tailing(
    api: Asking, asked: dict[str, Any], *, token: str = SECRETS["acme"]
) -> AsyncIterator[Told]:
    """A tail that has begun."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with api.session.post(
        api.url + PATH, json=asked, headers=headers, timeout=aiohttp.ClientTimeout(total=60)
    ) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["X-Accel-Buffering"] == "no"
        told = Told(response)
        while not told.cursor:
            await told.next(heartbeats=True)
        yield told


async def until(enough: Callable[[], bool]) -> None:
    """Wait until it is enough, at most ten seconds."""
    async with asyncio.timeout(10):
        while not enough():  # noqa: ASYNC110  # a gauge has no event
            await asyncio.sleep(0.01)


def open_tails(api: Asking) -> tuple[float, float]:
    """Tails, and feeds behind them."""
    value = api.metrics.registry.get_sample_value
    return value("seamark_api_tails") or 0, value("seamark_api_tail_feeds") or 0


async def test_new_and_late_records_are_sent_once(store: RunningStore, writer: Writer) -> None:
    await writer.write("there before", ago_ms=1000)
    async with asking(store, **PACE) as api, tailing(api, writer.asked) as told:
        await writer.write("a", "a", "b")
        assert await told.bodies(3) == ["a", "a", "b"]  # equal ones are two all the same
        await writer.write("late", ago_ms=60_000)  # of another partition, behind the newest
        assert await told.bodies(1) == ["late"]
        await writer.write("of another org", org="other")
        await writer.write("c")
        assert await told.bodies(1) == ["c"]
        record = next(data for kind, data in told.events if kind == "logs")
        found = await api.post("/v1/query/logs", {"from": "now-31d", "limit": 1000} | writer.asked)
        by_id = {row["id"]: row for row in found["logs"]}
        assert all(by_id[row["id"]] == row for row in record["logs"])
        assert await told.next(heartbeats=True) == ("heartbeat", {})
    await until(lambda: open_tails(api) == (0, 0))


async def test_filters_and_scope_are_those_of_the_search(
    store: RunningStore, writer: Writer
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(asking(store, **PACE))

        async def follow(asked: dict[str, Any], token: str) -> Told:
            whole = writer.asked | asked
            return await stack.enter_async_context(tailing(api, whole, token=SECRETS[token]))

        all_of_it = await follow({}, "acme")
        same = await follow({}, "acme")
        of_app = await follow({}, "shop")
        narrowed = await follow({"appId": "blog", "orgId": "acme"}, "acme")
        severe = await follow({"severity": "error", "contains": "Disk"}, "acme")
        other = await follow({}, "other")
        assert open_tails(api) == (6, 5)  # equal ones share what is asked

        await writer.write("1 disk full", severity=17)
        await writer.write("2 disk", severity=9)
        await writer.write("3", app="blog", severity=17)
        await writer.write("4", org="other")
        expected = ["1 disk full", "2 disk", "3"]
        assert await all_of_it.bodies(3) == expected
        assert await same.bodies(3) == expected
        assert await of_app.bodies(2) == expected[:2]
        assert await narrowed.bodies(1) == ["3"]
        assert await severe.bodies(1) == ["1 disk full"]
        assert await other.bodies(1) == ["4"]
    await until(lambda: open_tails(api) == (0, 0))


async def test_a_client_that_reconnects_continues_at_its_cursor(
    store: RunningStore, writer: Writer
) -> None:
    async with asking(store, **PACE) as api:
        async with tailing(api, writer.asked) as told:
            await writer.write("a")
            assert await told.bodies(1) == ["a"]
            left = told.cursor
        await writer.write("while away", "too")
        await writer.write("behind it", ago_ms=30_000)
        async with tailing(api, writer.asked | {"after": left}) as told:
            # what landed behind the cursor cannot be told from what was shown: it is counted
            assert ("skipped", {"skipped": 1}) in told.events
            logs = [data for kind, data in told.events if kind == "logs"]
            assert [r["body"] for data in logs for r in data["logs"]] == ["while away", "too"]
            await writer.write("then")
            assert await told.bodies(1) == ["then"]
        old = f"{time.time_ns() // 1_000_000 - 31 * 60_000}.{'0' * 32}.0"
        for after, word in (("nonsense", "not a cursor"), (old, "30 minutes")):
            refused = await api.post(PATH, {"after": after}, status=400)
            assert refused["error"]["field"] == "after"
            assert word in refused["error"]["message"]


async def test_more_than_the_limit_is_counted(store: RunningStore, writer: Writer) -> None:
    pace = {**PACE, "tail_poll_seconds": 0.5, "tail_records_per_second": 20}
    async with asking(store, **pace) as api, tailing(api, writer.asked) as told:
        await writer.write(*[f"{n}" for n in range(25)])
        found, skipped = 0, 0
        while found + skipped < 25:
            kind, data = await told.next()
            if kind == "skipped":
                skipped += data["skipped"]
            else:
                found += len(data["logs"])
        assert (found, skipped) == (10, 15)
        await writer.write("after it")
        assert await told.bodies(1) == ["after it"]


async def test_there_are_only_so_many(store: RunningStore, writer: Writer) -> None:
    async with asking(store, **PACE, tails=3, tails_per_org=2) as api:
        async with tailing(api, {}), tailing(api, {"service": "x"}):
            refused = await api.post(PATH, {}, status=422)
            assert "2 live tails" in refused["error"]["message"]
            async with tailing(api, {}, token=SECRETS["other"]):
                refused = await api.post(PATH, {}, token=SECRETS["other"], status=503)
                assert "3 live tails" in refused["error"]["message"]
        await until(lambda: open_tails(api) == (0, 0))
        async with tailing(api, {}):
            pass


async def test_it_ends_with_a_last_word_when_the_server_stops(
    store: RunningStore, writer: Writer
) -> None:
    async with aiohttp.ClientSession() as session:
        async with asking(store, **PACE) as api:
            response = await session.post(
                api.url + PATH, json={}, headers={"Authorization": f"Bearer {SECRETS['acme']}"}
            )
        told = Told(response)
        kind, data = await told.next()
        assert (kind, data["reason"]) == ("end", "stopping")
        with pytest.raises(EOFError):
            await told.next(heartbeats=True)
        response.close()


async def test_it_ends_when_its_token_does(store: RunningStore, writer: Writer) -> None:
    async with asking(store, **PACE) as api, tailing(api, writer.asked) as told:
        name = digest(SECRETS["acme"])
        api.context.registry.tokens[name] = TokenRecord(
            token_id="t", kind="query", digest=name, status="disabled", org="acme"
        )
        kind, data = await told.next()
        assert (kind, data["reason"]) == ("end", "token_disabled")


class Moody:
    """A store that is away now and then."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.away = False

    async def ask(self, statement: Statement, row: Any) -> Rows[Any]:
        if self.away:
            raise Unavailable("away", reason=QuestionReason.UNAVAILABLE)
        answered: Rows[Any] = await self.store.ask(statement, row)
        return answered


async def test_a_store_that_is_away_loses_nothing(store: RunningStore, writer: Writer) -> None:
    async with asking(store, **PACE) as behind:
        moody = Moody(behind.context.store)
        async with asking(moody, **PACE) as api, tailing(api, writer.asked) as told:
            moody.away = True
            await writer.write("meanwhile")
            assert (await told.next())[0] == "waiting"
            refused = await api.post(PATH, {"service": "another"}, status=503)
            assert refused["error"]["reason"] == "unavailable"
            moody.away = False
            assert await told.bodies(1) == ["meanwhile"]
        await until(lambda: open_tails(api) == (0, 0))


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"[]", 400, ""),
        (b'{"from": "now-1h"}', 400, "from"),
        (b'{"severity": "loud"}', 400, "severity"),
        (b'{"traceId": "1"}', 400, "traceId"),
        (b'{"appId": "unknown"}', 403, "appId"),
        (b'{"orgId": "other"}', 403, "orgId"),
        (b'{"contains": 7}', 400, "contains"),
    ],
)
async def test_what_is_wrong_is_reported_before_the_stream(
    store: RunningStore, body: bytes, status: int, field: str
) -> None:
    async with asking(store, **PACE) as api:
        refused = await api.post(PATH, body, status=status)
        assert refused["error"].get("field", "") == field
        await api.post(PATH, {}, token="smq_nobody", status=401)
        assert open_tails(api) == (0, 0)


async def test_a_page_of_an_allowed_origin_may_read_it(store: RunningStore) -> None:
    async with asking(store, **PACE, origins="https://grafana.example") as api:
        headers = {
            "Authorization": f"Bearer {SECRETS['acme']}",
            "Origin": "https://grafana.example",
        }
        async with api.session.post(api.url + PATH, json={}, headers=headers) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://grafana.example"
