"""Whether the log can be trusted with a request now, and takes one of its value while it fills."""

from collections.abc import Iterable, Sequence
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


class LogCheck:
    """The durability of the log and, where there is one, the shedder. Only `confirm` waits."""

    def __init__(self, durability: DurabilityCheck, shedder: SheddingCheck | None) -> None:
        self._durability = durability
        self._shedder = shedder

    def check(self) -> None:
        """Raises Unavailable when the log is not durable, or nothing at all is taken."""
        if self._shedder is not None and self._shedder.level:
            self._shedder.check()
        if problem := self._durability.problem():
            raise Unavailable(problem, retry_after=_RETRY_SECONDS)

    def check_request(self, signal: Signal, body: bytes, names: Iterable[str]) -> None:
        """Raises Unavailable like `check`, and (SHED) when such a request is not taken."""
        self.check()
        if self._shedder is not None and self._shedder.level:
            self._shedder.check_request(signal, body, names)

    def check_parts(self, signal: Signal, parts: Sequence[BodyPart]) -> None:
        """The same of a request in parts, which is taken by the best of them."""
        self.check()
        if self._shedder is None or not self._shedder.level:
            return
        refusal: Unavailable | None = None
        for part in parts:
            try:
                self._shedder.check_request(signal, part.body)
            except Unavailable as failure:
                refusal = failure
            else:
                return
        if refusal is not None:
            raise refusal

    async def confirm(self) -> None:
        """Called once the log has acknowledged. Raises Unavailable when it was not durable then."""
        if self._durability.problem() and (problem := await self._durability.confirm()):
            raise Unavailable(problem, retry_after=_RETRY_SECONDS)
