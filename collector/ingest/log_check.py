"""Whether the log can be trusted with a request now, and takes one of its value while it fills."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from collector.log import DurabilityCheck
from collector.receivers.exchange import BodyPart
from seamark.wire.failures import Unavailable
from seamark.wire.signals import Signal

_RETRY_SECONDS: Final = 2.0


class SheddingCheck(Protocol):
    """What is refused while the log is nearly full (`collector.shedding.load_shedder`)."""

    level: int
    """0 while nothing is."""

    def check(self) -> None:
        """Raises Unavailable (SHED) when nothing at all is taken."""

    def check_request(self, signal: Signal, body: bytes, names: Iterable[str] = ()) -> None:
        """Raises Unavailable (SHED) when such a request is not taken."""


class ShareCheck(Protocol):
    """What is refused of orgs near their share of the log (`collector.shedding.log_shares`)."""

    @property
    def levels(self) -> Mapping[tuple[str, Signal], int]:
        """Empty while nothing is."""

    def check_request(
        self, org: str, signal: Signal, body: bytes, names: Iterable[str] = ()
    ) -> None:
        """Raises Unavailable (LOG_SHARE) when such a request of this org is not taken."""


class LogCheck:
    """The durability of the log and, where there are such, the shedder and the shares of orgs.

    Only `confirm` waits.
    """

    def __init__(
        self,
        durability: DurabilityCheck,
        shedder: SheddingCheck | None,
        shares: ShareCheck | None = None,
    ) -> None:
        self._durability = durability
        self._shedder = shedder
        self._shares = shares

    def check(self) -> None:
        """Raises Unavailable when the log is not durable, or nothing at all is taken."""
        if self._shedder is not None and self._shedder.level:
            self._shedder.check()
        if problem := self._durability.problem():
            raise Unavailable(problem, retry_after=_RETRY_SECONDS)

    def check_request(
        self, org: str, signal: Signal, body: bytes, names: Callable[[], Iterable[str]]
    ) -> None:
        """Raises Unavailable like `check`, and (LOG_SHARE, SHED) when such a request is not taken.

        `names` tells those of its events, where `body` does not.
        """
        self.check()
        if self._shares is not None and self._shares.levels:
            self._shares.check_request(org, signal, body, names())
        if self._shedder is not None and self._shedder.level:
            self._shedder.check_request(signal, body, names())

    def check_parts(self, org: str, signal: Signal, parts: Sequence[BodyPart]) -> None:
        """The same of a request in parts, which is taken by the best of them."""
        self.check()
        if self._shares is not None and self._shares.levels:
            shares = self._shares
            _best_of(parts, lambda body: shares.check_request(org, signal, body))
        if self._shedder is not None and self._shedder.level:
            shedder = self._shedder
            _best_of(parts, lambda body: shedder.check_request(signal, body))

    async def confirm(self) -> None:
        """Called once the log has acknowledged. Raises Unavailable when it was not durable then."""
        if self._durability.problem() and (problem := await self._durability.confirm()):
            raise Unavailable(problem, retry_after=_RETRY_SECONDS)


def _best_of(parts: Sequence[BodyPart], check: Callable[[bytes], None]) -> None:
    """Raises Unavailable when none of the parts is taken."""
    refusal: Unavailable | None = None
    for part in parts:
        try:
            check(part.body)
        except Unavailable as failure:
            refusal = failure
        else:
            return
    if refusal is not None:
        raise refusal
