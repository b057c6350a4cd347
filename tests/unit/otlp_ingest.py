"""A ingest that keeps what is handed to it, for the tests of the OTLP receivers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collector.admission.redaction.rules import UNTOUCHED
from collector.receivers.exchange import Admitted, BodyOwner, BodyPart, Head, IngestRequest
from seamark.service.registry import AppRecord, KeyRecord
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

KEY = "smk_test"


@dataclass(frozen=True, slots=True)
class Appended:
    """One envelope's worth."""

    head: Head
    signal: Signal
    body: bytes
    outcome: Outcome
    dead_letters: list[DeadLetter]


@dataclass(slots=True)
class FakeIngest:
    """Admits `KEY`, as X-API-Key or bearer token; fails as often as `failures` has entries."""

    appended: list[Appended] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    refusal: Rejected | None = None
    admissions: list[tuple[str, tuple[str, str]]] = field(default_factory=list)
    refusals: list[tuple[Signal, Reason]] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)

    def check(self, head: Head) -> BodyOwner:
        self._key_of(head)
        return BodyOwner("acme", "k", head.remote)

    def arrived(self, owner: BodyOwner, size: int) -> None:
        self.arrivals.append(size)

    def refused(self, head: Head, signal: Signal, failure: Rejected | Unavailable) -> None:
        self.refusals.append((signal, failure.reason))

    def admit(self, head: Head, *, protocol: str, sdk: tuple[str, str] = ("", "")) -> Admitted:
        self._key_of(head)
        self.admissions.append((protocol, sdk))
        key = KeyRecord(key_id="k", org="acme", app="shop", digest="")
        return Admitted(
            key=key, app=AppRecord(org="acme", app="shop"), sender=b"", redactor=UNTOUCHED
        )

    def _key_of(self, head: Head) -> None:
        given = head.headers.get("x-api-key") or head.headers.get("authorization", "")
        if not given:
            raise Rejected(Reason.NO_KEY, "send a key in X-API-Key")
        if given.removeprefix("Bearer ") != KEY:
            raise Rejected(Reason.UNKNOWN_KEY, "this key is not known")
        if self.refusal is not None:
            raise self.refusal

    async def append(self, admitted: Admitted, head: Head, request: IngestRequest) -> str:
        if self.failures:
            raise self.failures.pop(0)
        dead_letters = list(request.dead_letters)
        self.appended.append(
            Appended(head, request.signal, request.body, request.outcome, dead_letters)
        )
        return "receipt"

    frame_bytes: int = 4 * 1024 * 1024 - 64 * 1024

    async def append_parts(
        self, admitted: Admitted, head: Head, *, signal: Signal, parts: Sequence[BodyPart]
    ) -> str:
        receipt = ""
        for part in parts:
            request = IngestRequest(signal, part.body, part.outcome, dead_letters=part.dead_letters)
            receipt = await self.append(admitted, head, request)
        return receipt


def head(content_type: str, *, path: str = "/v1/traces", **headers: str) -> Head:
    """A request's head with a good key."""
    given: Mapping[str, str] = {"x-api-key": KEY, "content-type": content_type}
    return Head(
        method="POST",
        path=path,
        query={},
        headers={**given, **{name.replace("_", "-"): text for name, text in headers.items()}},
        remote="192.0.2.7",
        received_ns=time.time_ns(),
    )


LOG_AWAY = Unavailable("the log is away", retry_after=0.02)
