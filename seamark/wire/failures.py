"""The two kinds of failure, chosen where they arise; one file per protocol makes them a status."""

from seamark.wire.reasons import Reason


class Rejected(Exception):
    """Permanent: the same bytes will be rejected again. The sender has to change something.

    Attributes: `reason` (closed set), `message` (names the thing, the value, the limit and the way
    out), `field` (path of the offending field, or "").
    """

    def __init__(self, reason: Reason, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field


class Unavailable(Exception):
    """Temporary: the same bytes may be sent again after `retry_after` seconds."""

    def __init__(
        self, message: str, *, retry_after: float = 1.0, reason: Reason = Reason.UNAVAILABLE
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
