"""The two kinds of failure, chosen where they arise.

`seamark.wire.statuses` has the HTTP and gRPC statuses of the reasons of ingest. Both kinds are
generic over their closed set of reasons: `Reason` at ingest, the API's and the sinks' own sets
elsewhere.
"""

import enum
from typing import TYPE_CHECKING, Generic, overload

from seamark.wire.reasons import Reason

if TYPE_CHECKING:  # a default for a type variable (PEP 696) needs Python 3.13 at run time
    from typing_extensions import TypeVar

    R = TypeVar("R", bound=enum.StrEnum, default=Reason)
else:
    from typing import TypeVar

    R = TypeVar("R", bound=enum.StrEnum)


class Rejected(Exception, Generic[R]):
    """Permanent: the same bytes will be rejected again. The sender has to change something.

    Attributes: `reason` (closed set), `message` (names the thing, the value, the limit and the way
    out), `field` (path of the offending field, or ""), `items` (how many items the request held,
    None where that is not known; set by whoever has read it).
    """

    items: int | None = None

    def __init__(self, reason: R, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.reason: R = reason
        self.message = message
        self.field = field


class Unavailable(Exception, Generic[R]):
    """Temporary: the same bytes may be sent again after `retry_after` seconds.

    Attributes: `reason` (of the closed set; `Reason.UNAVAILABLE` unless given), `message`,
    `retry_after` (seconds), `items` (as of `Rejected`).
    """

    items: int | None = None

    @overload
    def __init__(
        self: "Unavailable[Reason]", message: str, *, retry_after: float = ...
    ) -> None: ...
    @overload
    def __init__(self, message: str, *, reason: R, retry_after: float = ...) -> None: ...
    def __init__(
        self,
        message: str,
        *,
        reason: enum.StrEnum = Reason.UNAVAILABLE,
        retry_after: float = 1.0,
    ) -> None:
        super().__init__(message)
        self.reason: R = reason  # type: ignore[assignment]  # the overloads say which
        self.message = message
        self.retry_after = retry_after


def internal_fault() -> Unavailable[Reason]:
    """What a sender is told of an error of ours: keep the request and send it again."""
    return Unavailable("the request failed here; it was not your fault", reason=Reason.INTERNAL)
