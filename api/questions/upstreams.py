"""What a question may ask beside one statement after the other: the store step by step, the log,
the collector. `api/upstreams.py` does it; tests may give another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from api.log_frames import Carried
from api.query.request import Plan
from seamark.wire.signals import Signal

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LookedThrough:
    """What a look for a receipt in the log found. `whole`: all that waits was looked through."""

    found: Sequence[tuple[Signal, Carried]]
    whole: bool


class IngestFault(msgspec.Struct, frozen=True):
    """Why one event of a batch was rejected."""

    index: int
    reason: str
    message: str


class Taken(msgspec.Struct, frozen=True, rename="camel"):
    """What the collector made of a batch."""

    accepted: int
    rejected: int
    receipt_id: str = ""
    errors: list[IngestFault] = []


@dataclass(frozen=True, slots=True)
class Turned:
    """The collector will not take this batch: its message."""

    message: str


class Upstreams(Protocol):
    """Store, log and collector, for one request; the scope and the token are those of the asker."""

    async def rows(self, plan: Plan, row: type[R]) -> Sequence[R]:
        """The rows of a statement. Raises Rejected, Unavailable, StoreFault."""

    async def settled_ms(self, sink: str) -> int | None:
        """What the log took before this instant has been through the sink; None: unknown."""

    async def find_in_log(self, receipt: str) -> LookedThrough | None:
        """What of a receipt waits in the log; None: the log does not answer."""

    async def replay(self, body: bytes, *, dry_run: bool) -> Taken | Turned:
        """Send a batch; once this returns it is in the log. A dry run only asks for the verdict.

        Raises Unavailable when it may be sent again.
        """
