"""CPU that redaction costs the collector for one request: `python -m load.redaction`.

The receivers behind the real gateway, before a log that takes everything at once: no HTTP. The same
bodies for an app that has switched all rules off, for one without rules of its own, and for one
with five: two in which nothing is to be redacted, and one of spans with a `client.address`, as HTTP
servers have them. In turns, so that a slow minute meets all of them.
"""

import asyncio
import gc
import json
import random
import time
from collections.abc import Mapping
from typing import Any, Final

from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.limits.limiter import Limiter
from collector.admission.limits.month_use import MonthUse
from collector.admission.limits.totals import Totals
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.gateway import IngestGateway
from collector.log import LogFrame
from collector.receivers.exchange import Head
from collector.receivers.otlp_kinds import TRACES
from collector.receivers.registry import every_receiver
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, Registry, digest
from seamark.wire.privacy import Redaction, RedactionRule
from seamark.wire.reasons import Reason

ROUNDS: Final = 12
REQUESTS: Final = 100
APPS: Final[Mapping[str, Redaction]] = {
    "off": Redaction(without=("user-id", "client-address")),
    "default": Redaction(),
    "five": Redaction(
        rules=(
            RedactionRule(name="contact", action="mask", detect=("email", "phone")),
            RedactionRule(name="cards", action="mask", detect=("card", "iban")),
            RedactionRule(name="addresses", action="hash", detect=("ipv4", "ipv6")),
            RedactionRule(name="credentials", action="mask", detect=("jwt", "bearer")),
            RedactionRule(name="secrets", action="drop", keys=("*password*", "*.token")),
        )
    ),
}


class TakesAll:
    """A log, and everything else that a gateway asks, with nothing behind it."""

    async def append(self, frame: LogFrame) -> None:
        """Taken."""

    async def confirm(self) -> str:
        """The log is durable."""
        return ""

    def problem(self) -> str:
        """There is none."""
        return ""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        """Not counted."""


def native_body() -> bytes:
    """A batch of 50 page views."""
    events = [
        {
            "ts": 1_795_316_640_000 + n,
            "name": "page_view",
            "value": 12.5,
            "attrs": {"url.path": f"/step/{n}", "browser.name": "Chrome", "app.version": "1.2.3"}
            | {"experiment.id": f"exp-{n}", "feature_id": "buy"},
            "sessionId": f"a1b2c3d4e5f6{n:04d}",
            "userAnonId": f"deadbeef{n:04d}",
            "device": {"os.name": "iOS", "model": "iPhone"},
        }
        for n in range(50)
    ]
    batch = {"sdk": {"name": "x", "version": "1"}, "sentAt": 1_795_316_640_000, "events": events}
    return json.dumps(batch, separators=(",", ":")).encode()


def otlp_body(last: str, value: str) -> bytes:
    """100 spans of eight attributes; `last` is the key of the last one, `value` how its begins."""
    rng = random.Random(1)

    def text(key: str, value: str) -> dict[str, Any]:
        return {"key": key, "value": {"string_value": value}}

    spans = [
        {
            "trace_id": rng.randbytes(16),
            "span_id": rng.randbytes(8),
            "name": "GET /cart/{id}",
            "start_time_unix_nano": 10**18,
            "end_time_unix_nano": 10**18 + 5,
            "attributes": [
                text("http.request.method", "GET"),
                text("url.path", f"/cart/{n}"),
                text("server.address", "shop.example"),
                text("http.route", "/cart/{id}"),
                {"key": "http.response.status_code", "value": {"int_value": 200}},
                text("user_agent.original", "Mozilla/5.0 Firefox"),
                text("network.protocol.version", "1.1"),
                text(last, f"{value}{n}"),
            ],
        }
        for n in range(100)
    ]
    resource = {"attributes": [text("service.name", "cart")]}
    levels = [{"scope": {"name": "lib"}, "spans": spans}]
    request = TRACES.request(resource_spans=[{"resource": resource, "scope_spans": levels}])
    return bytes(request.SerializeToString())


_PROTOBUF: Final = "application/x-protobuf"
BODIES: Final = {
    "events": ("/v1/ingest/batch", "application/json", native_body()),
    "spans": ("/v1/traces", _PROTOBUF, otlp_body("thread.name", "main-")),
    "spans of a server": ("/v1/traces", _PROTOBUF, otlp_body("client.address", "192.0.2.")),
}


def gateway() -> IngestGateway:
    """A gateway with an app for each of `APPS`, whose key is its name."""
    registry, nothing = Registry(), TakesAll()
    registry.orgs["o"] = OrgRecord(org="o", name="O", salt="5a" * 16)
    for app, redaction in APPS.items():
        registry.apps["o", app] = AppRecord(org="o", app=app, redaction=redaction)
        registry.keys[digest(app)] = KeyRecord(key_id=app, org="o", app=app, digest=digest(app))
    return IngestGateway(
        records=registry,
        limiter=Limiter(registry.orgs, months=MonthUse(Totals("load"), share=1.0, month="")),
        log=nothing,
        partitions=2,
        durability=nothing,
        senders=Senders(datacenter="", server_version="1"),
        dead_letter_limiter=DeadLetterLimiter(0),
        request_rejections=nothing,
    )


async def measure() -> dict[tuple[str, str], float]:
    """The lowest of the rounds for each body and app, in µs of CPU a request."""
    receivers = {receiver.path: receiver for receiver in every_receiver(gateway())}
    lowest: dict[tuple[str, str], float] = {}
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for name, (path, content_type, body) in BODIES.items():
            for app in APPS:
                headers = {"x-api-key": app, "content-type": content_type}
                head = Head("POST", path, {}, headers, "192.0.2.7", time.time_ns())
                started = time.process_time()
                for _ in range(REQUESTS):
                    await receivers[path].accept(head, body)
                spent = (time.process_time() - started) / REQUESTS * 1e6
                lowest[name, app] = min(spent, lowest.get((name, app), spent))
    return lowest


if __name__ == "__main__":
    for (name, app), spent in asyncio.run(measure()).items():
        print(f"{name:20} {app:8} {spent:7.1f} µs")
