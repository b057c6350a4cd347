"""Batches sent again with an admin token: stored as if received then, for its own apps only."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.gateway import IngestGateway
from collector.log import LogFrame
from collector.receivers.exchange import Head
from collector.receivers.replay import Replay
from seamark.service.registry import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    Registry,
    TokenRecord,
    digest,
)
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason
from seamark.wire.receipts import receipt_for_batch
from seamark.wire.signals import Signal
from tests.support.envelopes import ReadEnvelope, read_payload
from tests.support.limiting import limiter_of

NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000
ORG_TOKEN = "sma_org"
TOKENS = {
    "sma_org": TokenRecord(token_id="t1", kind="admin", org="acme", digest=""),
    "sma_shop": TokenRecord(token_id="t2", kind="admin", org="acme", app="shop", digest=""),
    "sma_off": TokenRecord(token_id="t3", kind="admin", org="acme", status="disabled", digest=""),
    "sma_rival": TokenRecord(token_id="t4", kind="admin", org="rival", digest=""),
    "smq_query": TokenRecord(token_id="t5", kind="query", org="acme", digest=""),
}


@dataclass
class PublisherContext:
    """A receiver, and what it put into the log."""

    envelopes: list[ReadEnvelope] = field(default_factory=list)
    refused: list[tuple[RequestOwner, Reason]] = field(default_factory=list)

    def __post_init__(self) -> None:
        registry = Registry()
        registry.orgs["acme"] = OrgRecord(org="acme", name="Acme", salt="5a")
        for app in ("shop", "other"):
            registry.apps["acme", app] = AppRecord(org="acme", app=app, late_window_seconds=60)
        registry.apps["acme", "off"] = AppRecord(org="acme", app="off", status="disabled")
        registry.keys[digest("smk_key")] = KeyRecord(
            key_id="k1", org="acme", app="shop", digest=digest("smk_key")
        )
        for secret, record in TOKENS.items():
            values = {name: getattr(record, name) for name in record.__struct_fields__}
            values["digest"] = digest(secret)
            registry.tokens[digest(secret)] = TokenRecord(**values)
        self.registry = registry
        self.ingest = IngestGateway(
            records=registry,
            limiter=limiter_of(registry.orgs),
            log=self,
            partitions=1,
            durability=self,
            senders=Senders(datacenter="", server_version="1"),
            dead_letter_limiter=DeadLetterLimiter(100),
            request_rejections=self,
        )
        self.receiver = Replay(self.ingest)

    async def append(self, frame: LogFrame) -> None:
        self.envelopes += read_payload(frame.data)

    def problem(self) -> str:
        return ""

    async def confirm(self) -> str:
        return ""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        self.refused.append((owner, reason))

    async def send(self, *, token: str = ORG_TOKEN, **outer: object) -> dict[str, Any]:
        document = {
            "appId": "shop",
            "batchId": "b-1",
            "receivedAt": NOW_MS - DAY_MS,
            "events": [{"ts": NOW_MS - DAY_MS, "name": "page_view"}],
            **outer,
        }
        body = json.dumps({k: v for k, v in document.items() if v is not None}).encode()
        at = head(token)
        self.receiver.check(at)
        reply = await self.receiver.accept(at, body)
        assert reply.status == 202
        answer: dict[str, Any] = json.loads(reply.body)
        return answer

    async def refusal(self, **sent: Any) -> tuple[Reason, str]:
        with pytest.raises(Rejected) as found:
            await self.send(**sent)
        assert self.envelopes == []
        return found.value.reason, found.value.field


def head(token: str) -> Head:
    return Head(
        method="POST",
        path="/v1/ingest/replay",
        query={},
        headers={"authorization": f"Bearer {token}" if token else "", "user-agent": "Firefox"},
        remote="203.0.113.9",
        received_ns=time.time_ns(),
    )


async def test_it_is_stored_as_if_it_had_been_received_then() -> None:
    context = PublisherContext()
    received_ms = NOW_MS - 9 * DAY_MS
    answer = await context.send(
        receivedAt=received_ms,
        sentAt=received_ms - 500,
        sdk={"name": "web", "version": "1.2"},
        events=[
            {"ts": received_ms - 2 * DAY_MS, "name": "a", "id": "e-1"},
            {"ts": received_ms, "name": "no good"},
        ],
    )

    [envelope] = context.envelopes
    assert answer["receiptId"] == envelope.receipt == receipt_for_batch("acme", "shop", "b-1")
    assert (answer["accepted"], answer["rejected"], len(answer["errors"])) == (1, 1, 1)
    assert envelope.numbers[4] == received_ms * 1_000_000
    assert envelope.numbers[5] == 500 * 2  # zigzag: the skew of then
    assert envelope.sent_ms == received_ms - 500
    assert [envelope.texts.get(n, "") for n in (1, 2, 6, 7, 8, 13, 14, 17, 19)] == [
        *("acme", "shop", "", "", "", "web", "1.2", "replay", "native")
    ]
    assert envelope.events == [{"ts": received_ms - 2 * DAY_MS, "name": "a", "id": "e-1"}]
    assert envelope.outcome == {"offered": 2, "accepted": 1}
    assert envelope.dead_letters == []


@pytest.mark.parametrize(
    ("received_at", "reason"),
    [
        (None, Reason.INVALID_TIMESTAMP),
        ("soon", Reason.INVALID_TIMESTAMP),
        (True, Reason.INVALID_TIMESTAMP),
        (NOW_MS + 600_000, Reason.INVALID_TIMESTAMP),
        (NOW_MS - 31 * DAY_MS - 600_000, Reason.TOO_LATE),
        (-1, Reason.INVALID_TIMESTAMP),
    ],
    ids=["none", "a word", "a truth value", "in ten minutes", "31 days ago", "before 1970"],
)
async def test_the_time_of_receipt_is_required(received_at: object, reason: Reason) -> None:
    assert await PublisherContext().refusal(receivedAt=received_at) == (reason, "receivedAt")


@pytest.mark.parametrize(
    "received_at",
    [NOW_MS - 31 * DAY_MS + 600_000, NOW_MS - 0.5],
    ids=["31 days ago, nearly", "half a millisecond ago"],
)
async def test_it_may_be_long_ago(received_at: float) -> None:
    context = PublisherContext()
    await context.send(receivedAt=received_at)
    assert context.envelopes[0].numbers[4] == int(received_at) * 1_000_000


async def test_the_output_may_be_text() -> None:
    context = PublisherContext()
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW_MS // 1000))
    await context.send(receivedAt=at)
    assert context.envelopes[0].numbers[4] == NOW_MS // 1000 * 1_000_000_000


async def test_the_batch_has_to_be_named() -> None:
    assert await PublisherContext().refusal(batchId=None) == (Reason.INVALID_IDENTIFIER, "batchId")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", Reason.NO_KEY),
        ("sma_nobodys", Reason.UNKNOWN_KEY),
        ("k" * 5000, Reason.UNKNOWN_KEY),
        ("é", Reason.UNKNOWN_KEY),
        ("smk_key", Reason.WRONG_KIND),
        ("smq_query", Reason.WRONG_KIND),
        ("sma_off", Reason.DISABLED),
    ],
)
async def test_only_an_admin_token_will_do(token: str, reason: Reason) -> None:
    assert (await PublisherContext().refusal(token=token))[0] is reason


@pytest.mark.parametrize(
    ("token", "app", "reason"),
    [
        ("sma_org", None, Reason.WRONG_APP),
        ("sma_org", "nowhere", Reason.WRONG_APP),
        ("sma_org", "off", Reason.DISABLED),
        ("sma_shop", "other", Reason.WRONG_APP),
        ("sma_rival", "shop", Reason.WRONG_APP),
    ],
)
async def test_it_is_for_its_own_apps_only(token: str, app: str | None, reason: Reason) -> None:
    assert await PublisherContext().refusal(token=token, appId=app) == (reason, "appId")


@pytest.mark.parametrize(("token", "app"), [("sma_shop", None), ("sma_shop", "shop")])
async def test_the_only_app_of_a_token_need_not_be_named(token: str, app: str | None) -> None:
    context = PublisherContext()
    await context.send(token=token, appId=app)
    assert context.envelopes[0].texts[2] == "shop"


@pytest.mark.parametrize(
    ("secret", "whose"),
    [
        ("smk_key", ("acme", "shop", "k1")),
        ("sma_off", ("acme", "", "t3")),
        ("sma_shop", ("acme", "shop", "t2")),
        ("sma_nobodys", ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_refusals_are_counted_for_their_owner_where_it_is_known(
    secret: str, whose: tuple[str, str, str]
) -> None:
    context = PublisherContext()
    context.ingest.refused(head(secret), Signal.EVENTS, Rejected(Reason.TOO_LARGE, ""))
    assert context.refused == [(RequestOwner(*whose, Signal.EVENTS), Reason.TOO_LARGE)]
