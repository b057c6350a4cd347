"""One route of administration: what it takes, who may call it, what it does. Knows no server."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from api.admin.administration import Administration
from api.reasons import QuestionReason
from api.routing import Route
from seamark.service.registry import TokenKind, TokenRecord
from seamark.wire.failures import Rejected

OPERATORS: Final[frozenset[TokenKind]] = frozenset({"operator"})
ADMINS: Final[frozenset[TokenKind]] = frozenset({"operator", "admin"})
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
IF_MATCH: Final = "If-Match"
ONCE: Final[Mapping[str, str]] = {
    IDEMPOTENCY_KEY: "Sent again within a day, it is answered with the same secret."
}
MATCH: Final[Mapping[str, str]] = {
    IF_MATCH: "The ETag of the record that the change was made from."
}
"""Headers of routes that make a secret, and of those that change a record."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, decoded, and who sent it. `given` are the fields of the body that were sent.

    `text`: method, address and body, which a repeated request has again. `revision`: of `If-Match`;
    None where any will do.
    """

    admin: Administration
    token: TokenRecord
    secret: str
    address: str
    given: Mapping[str, Any]
    query: Any
    path: Mapping[str, str]
    text: bytes
    revision: int | None = None
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """An answer. `revision`: of the record that is answered with, for its ETag."""

    body: msgspec.Struct
    status: int = 200
    revision: int = 0
    location: str = ""


Handle = Callable[[Call], Awaitable[Made]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRoute(Route):
    """A route, what it does, and the kinds of tokens that may call it."""

    handle: Handle
    kinds: frozenset[TokenKind] = ADMINS


class StaleRecord(Rejected[QuestionReason]):
    """The record is no longer the one that the request was made from; `current` is sent along."""

    def __init__(self, message: str, *, current: msgspec.Struct | None, revision: int) -> None:
        super().__init__(QuestionReason.STALE, message, field=IF_MATCH)
        self.current = current
        self.revision = revision
