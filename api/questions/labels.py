"""`GET /v1/labels`: the dimensions to filter and group by, for editors and variables.

Events and spans have a fixed list. Of metrics it is `app`, `service` and the like, and the
attributes on rows of the rollup in the range, the ones on most rows first, at most 200.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from api.answers import Meta
from api.query.request import Plan, QueryScope
from api.query.rollup_lookup import LookupRequest, lookup_range, lookup_rows
from api.query.sources import SOURCES
from api.query.statement import Statement, Values, fill
from api.questions.columns import Column, text
from api.questions.question import AnswerPart, Metric, Question, StoreQuery

MAX_LABELS: Final = 200


class LabelsRequest(LookupRequest, frozen=True, kw_only=True, rename="camel"):
    """Which dimensions there are; `metric` narrows them to those of one metric."""


class LabelRow(msgspec.Struct, array_like=True, frozen=True):
    """An attribute, and how many rows carry it."""

    name: str
    total: float


class Label(msgspec.Struct, frozen=True):
    """A dimension, and the source that has it."""

    name: str
    source: Literal["events", "metrics", "spans"]


class LabelsAnswer(msgspec.Struct, frozen=True):
    """Dimensions to filter and group by."""

    columns: list[Column]
    labels: list[Label]
    meta: Meta


def plan_labels(request: LabelsRequest, scope: QueryScope) -> Plan | None:
    """The statement for the dimensions beside the fixed ones; None: there are none."""
    source = SOURCES[scope.source or "events"]
    if source.mapped_dimensions is not None:
        return None
    values = Values()
    table, where = lookup_rows(request, source, scope, values)
    sql = fill(
        "labels",
        table=table,
        where=" AND ".join(where),
        limit=values.add(MAX_LABELS, "UInt64"),
    )
    return Plan(values.statement(sql), lookup_range(request, scope))


def _plan(request: LabelsRequest, scope: QueryScope) -> list[StoreQuery[LabelRow]]:
    name = scope.source or "events"
    source = SOURCES[name]
    fixed = (*source.plain_dimensions, *(source.mapped_dimensions or ()))

    def answer_part(rows: Sequence[LabelRow]) -> AnswerPart:
        more = [row.name for row in rows if row.name not in fixed]
        labels = [Label(label, name) for label in (*fixed, *more)]
        return AnswerPart({"labels": labels}, truncated=len(rows) >= MAX_LABELS)

    plan = plan_labels(request, scope)
    nothing = Plan(Statement("", {}), lookup_range(request, scope))
    return [StoreQuery("labels", plan or nothing, LabelRow, answer_part, empty=plan is None)]


QUESTION: Final = Question(
    kind="labels",
    title="Dimensions",
    summary="Dimensions to filter and group by.",
    request=LabelsRequest,
    answer=LabelsAnswer,
    plan=_plan,
    columns=(text("labels", "name", "Dimension"), text("labels", "source", "Source")),
    example={"source": "metrics"},
    metric=lambda request: Metric(request.metric, request.source_named),
    method="GET",
    route="/v1/labels",
)
