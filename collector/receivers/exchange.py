"""What a receiver is given and what it gives back, whatever the server that carries it.

The HTTP server (`collector.http.server`) reads bodies within their limits and undoes content
codings; a receiver decodes, asks admission, hands envelopes to the `Ingest`, and answers in its
protocol's form.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from collector.admission.event_schemas import EventSchemas
from collector.admission.native.event import Event
from collector.admission.redaction.rules import Redactor
from seamark.service.registry import AppRecord, KeyRecord
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.limits import BODY_BYTES, INFLATED_BYTES
from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class Head:
    """One request without its body. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    remote: str
    received_ns: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `headers` are added to those the server sets itself (CORS, length)."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class BodyOwner(NamedTuple):
    """Whose memory a body takes: the org and key it is sent with, and where it comes from.

    `address` is the client's: an IPv4 address, or the /64 network of an IPv6 one.
    """

    org: str
    key_id: str
    address: str


class IngestRequest(NamedTuple):
    """What a receiver read of one request, to be appended to the log.

    `partition_by` chooses the partition (a session id; the client's address when it is ""), unless
    there is a `batch_id`, which then chooses it and names the receipt; `digest` is that of the
    batch's content, of `body` when it is "". `events` stand in place of `body` when some of them
    have ids of their own: each then goes to the partition of its id. `dead_letters` are what was
    rejected, made one by one as far as they are kept.
    """

    signal: Signal
    body: bytes
    outcome: Outcome
    sent_ms: int | None = None
    batch_id: str = ""
    digest: str = ""
    partition_by: str = ""
    events: Sequence[Event] = ()
    dead_letters: Iterable[DeadLetter] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A sender whose key is good: its records, and its envelope fields, already encoded.

    `salt` is its org's, for what is hashed at ingest; "" where there is none. `redactor` does what
    the app's rules say; `schemas` are those of its events, None without any.
    """

    key: KeyRecord
    app: AppRecord
    sender: bytes
    redactor: Redactor
    salt: str = ""
    schemas: EventSchemas | None = None


class Ingest(Protocol):
    """What every receiver needs from the context."""

    def check(self, head: Head) -> BodyOwner:
        """What can be said before the body is read: whose it is. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN), Unavailable.
        """

    def arrived(self, owner: BodyOwner, size: int) -> None:
        """Count the bytes of a body whose length its head did not tell. Does not block."""

    def refused(self, head: Head, signal: Signal, failure: Rejected | Unavailable) -> None:
        """Count a request that failed as a whole. Called for every failure of a receiver."""

    def admit(self, head: Head, *, protocol: str, sdk: tuple[str, str] = ("", "")) -> Admitted:
        """Check the key and origin of a request. Does not block.

        `protocol` is native, otlp/http or otlp/grpc; `sdk` is the name and version of the sender.
        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN).
        """

    async def append(self, admitted: Admitted, head: Head, request: IngestRequest) -> str:
        """Put a request into the log; its receipt, once the log has acknowledged all of it.

        Raises Unavailable when the log cannot take it, Rejected (ID_REUSED, TOO_LARGE).
        """


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One frame's worth of a request that was cut: `weight` is what `body` weighs in the store."""

    body: bytes
    outcome: Outcome
    weight: int
    dead_letters: Iterable[DeadLetter] = ()


class PartIngest(Ingest, Protocol):
    """What a receiver needs whose requests may be more than one message of the log."""

    @property
    def frame_bytes(self) -> int:
        """The largest frame that one message of the log holds."""

    async def append_parts(
        self, admitted: Admitted, head: Head, *, signal: Signal, parts: Sequence[BodyPart]
    ) -> str:
        """Put a request into the log in parts; its receipt, once the log has all of them.

        Raises Unavailable when the log cannot take it; some of the parts may then be in the log.
        """


class AdminIngest(Ingest, Protocol):
    """What a receiver needs that takes admin tokens in place of ingest keys."""

    def check_admin(self, head: Head) -> BodyOwner:
        """What can be said before the body is read: whose it is. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED), Unavailable.
        """

    def admit_admin(
        self, head: Head, *, app: str, protocol: str, sdk: tuple[str, str] = ("", "")
    ) -> Admitted:
        """The app that an admin token may send for; nothing of the request says who sent first.

        `app` is the one named in the request, or "". Raises Rejected (NO_KEY, UNKNOWN_KEY,
        WRONG_KIND, DISABLED, WRONG_APP).
        """


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be: as sent, and once its content coding is undone."""

    sent: int = BODY_BYTES
    inflated: int = INFLATED_BYTES


NATIVE_LIMITS: Final = BodyLimits()


class Receiver(Protocol):
    """One protocol on one path, for one signal."""

    path: str
    signal: Signal
    limits: BodyLimits

    def check(self, head: Head) -> BodyOwner:
        """Ask the collector what it asks before a body is read. Raises Rejected or Unavailable."""

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one body, content coding undone. Raises Rejected or Unavailable."""

    def failure(self, head: Head, failure: Rejected | Unavailable) -> Reply:
        """The answer to a failure, raised here or before the body was read, in this protocol."""
