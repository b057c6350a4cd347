"""What one kind of question is: a request type, its statements, and how rows become an answer.

Pure: `api/ask.py` reads the store and the cache, `api/routes.py` and `api/server.py` serve it.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from api.query.request import Plan, QueryScope, ScopedRequest
from api.query.sources import SourceName
from api.questions.columns import Column
from api.questions.upstreams import Upstreams

Q = TypeVar("Q", bound=ScopedRequest)
R = TypeVar("R")
ANY_TEXT: Final = "^.+$"
"""Pattern of a path parameter that may hold slashes, percent-encoded or not."""
Shape = Literal["table", "series", "records", "graph"]
"""What a client makes of an answer: a table of `columns`; series (`columns` are the names of the
values in a row); log records or spans; nodes and edges."""


QUERY_READERS: Final = frozenset({"query"})
LEDGER_READERS: Final = frozenset({"query", "admin"})
"""Roles that may read the ledger: query and admin tokens."""
ADMINS: Final = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """Fields of an answer, and what `meta` says of them.

    `logged`: what the process logs of it, with org and app; of a question that changes something.
    """

    fields: Mapping[str, object]
    truncated: bool = False
    sampled: bool = False
    logged: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreQuery(Generic[R]):
    """One statement of a question, the type of its rows, and what they make of the answer.

    `name` separates its cached answers from those of other statements. `empty`: it is known to
    have no rows, and is not read.
    """

    name: str
    plan: Plan
    row: type[R]
    answer_part: Callable[[Sequence[R]], AnswerPart]
    empty: bool = False
    smaller: "Callable[[], StoreQuery[R]] | None" = None
    """Reads fewer rows; taken when the result of this one is larger than a result may be."""
    then: "Callable[[Sequence[R]], StoreQuery[R] | None] | None" = None
    """What is read instead, given the rows of this one; None: nothing, they are the answer's."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The name that a question is about. `source` says where it is stored, if the request does."""

    name: str
    source: SourceName | None = None


def _no_statements(_: ScopedRequest, __: QueryScope) -> Sequence[StoreQuery[Any]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[Q]):
    """One kind of question.

    `plan` gives its statements, in the order in which they are read; fields of later ones are added
    to those of earlier ones. `steps` instead of it: of a question that also asks the log or the
    collector; such an answer is never cached. `columns` describe the rows of an answer; an answer
    that has other columns for a request puts them into its own fields. `metric`: of a question
    whose statement depends on where a name is stored; such answers have `meta.source`. `finish`
    changes the fields of all statements together before they are sent. `example`: a request without
    a range; the isolation tests send it to rows of the events `page_view`, `buy` and `exception`.
    `readers`: the kinds of tokens that may ask.
    """

    kind: str
    title: str
    summary: str
    request: type[Q]
    answer: type[msgspec.Struct]
    columns: Sequence[Column]
    example: Mapping[str, Any]
    plan: Callable[[Q, QueryScope], Sequence[StoreQuery[Any]]] = _no_statements
    steps: Callable[[Q, QueryScope, Upstreams], Coroutine[Any, Any, AnswerPart]] | None = None
    shape: Shape = "table"
    cached: bool = True
    metric: Callable[[Q], Metric] | None = None
    finish: Callable[[Q, dict[str, msgspec.Raw]], Mapping[str, object]] | None = None
    readers: frozenset[str] = QUERY_READERS
    method: Literal["GET", "POST"] = "POST"
    route: str = ""
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    """Name -> pattern. Each is a field of the request."""

    @property
    def path(self) -> str:
        """Its route: `route`, or `/v1/query/<kind>`."""
        return self.route or f"/v1/query/{self.kind}"
