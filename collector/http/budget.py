"""Memory for bodies in flight: one budget for the process, beyond which requests are refused."""

from collector import metrics
from seamark.wire.failures import Unavailable


class Share:
    """What one request holds of the budget."""

    __slots__ = ("_budget", "_held")

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self._held = 0

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Raises Unavailable when the budget is used up."""
        budget = self._budget
        if budget.held + size > budget.limit_bytes:
            raise Unavailable(
                f"requests of {budget.limit_bytes:,} bytes are being handled; send again",
                retry_after=1.0,
            )
        budget.held += size
        self._held += size
        metrics.IN_FLIGHT.set(budget.held)

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._budget.held -= self._held
        self._held = 0
        metrics.IN_FLIGHT.set(self._budget.held)


class Budget:
    """Bytes of bodies held now, as sent and inflated; never more than `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held = 0

    def share(self) -> Share:
        """The part of one request, empty at first."""
        return Share(self)
