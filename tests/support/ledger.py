"""Envelopes for tests of the ledger, and a collector that only judges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from api.questions.upstreams import IngestFault, LookedThrough, Taken, Turned
from api.reasons import QuestionReason
from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.failures import Unavailable
from seamark.wire.signals import Signal


def receipt_id(number: int) -> str:
    """A receipt of tests."""
    return f"019ad000-0000-7000-8000-{number:012d}"


def sent(
    outcome: Outcome,
    *,
    receipt: int,
    received_ms: int,
    events: Sequence[dict[str, Any]] = (),
    dead_letters: Sequence[DeadLetter] = (),
    org: str = "acme",
    app: str = "shop",
    key: str = "k1",
    sent_ms: int | None = None,
    signal: Signal = Signal.EVENTS,
) -> bytes:
    """One envelope with these events, claiming this outcome."""
    sender = Sender(
        org=org, app=app, key_id=key, sdk_name="web", sdk_version="1.2", protocol="native"
    )
    return encode_envelope(
        sender.encode(),
        receipt=receipt_id(receipt),
        received_ns=received_ms * 1_000_000,
        sent_ms=sent_ms,
        outcome=outcome,
        signal=signal,
        body=msgspec.json.encode(events) if events else b"",
        dead_letters=dead_letters,
    )


def events(count: int, time_ms: int) -> list[dict[str, Any]]:
    """So many events."""
    return [{"ts": time_ms, "name": "view"}] * count


class QuietLog:
    """A log that a test says is carried over up to an instant; nothing waits in it."""

    def __init__(self, settled_ms: int) -> None:
        self._settled_ms = settled_ms

    async def settled_ms(self, sink: str, *, now_ms: int) -> int:
        """See `LogTail.settled_ms`."""
        return self._settled_ms

    async def find(self, **_: str) -> LookedThrough:
        """See `LogTail.find`."""
        return LookedThrough((), whole=True)


@dataclass
class Judge:
    """An `Ingest` that takes events whose value is a number, and remembers what it was sent."""

    batches: list[tuple[dict[str, Any], str, bool]] = field(default_factory=list)
    away: bool = False
    turned: str = ""

    async def replay(self, body: bytes, *, token: str, dry_run: bool) -> Taken | Turned:
        if self.away:
            raise Unavailable("no collector", reason=QuestionReason.UNAVAILABLE)
        batch = msgspec.json.decode(body)
        self.batches.append((batch, token, dry_run))
        if self.turned:
            return Turned(self.turned)
        faults = [
            IngestFault(index, "invalid_value", "is no number")
            for index, event in enumerate(batch["events"])
            if not isinstance(event.get("value"), int | float)
        ]
        accepted = len(batch["events"]) - len(faults)
        return Taken(accepted, len(faults), "" if dry_run else receipt_id(77), faults)
