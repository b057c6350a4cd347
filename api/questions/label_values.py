"""`GET /v1/labels/{name}/values`: the values of a dimension, for editors and variables.

Counted from rollups: the values that count most in the range first, the empty one left out.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.request import Plan, QueryScope
from api.query.rollup_lookup import LookupRequest, lookup_range, lookup_rows
from api.query.sources import SOURCES
from api.query.statement import Values, fill
from api.questions.columns import Column, count, text
from api.questions.question import AnswerPart, Metric, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected


class LabelValuesRequest(LookupRequest, frozen=True, kw_only=True, rename="camel"):
    """Which values the dimension `name` has; those that begin with `prefix`."""

    name: Annotated[str, msgspec.Meta(title="Dimension", extra={"completes": "label"})]
    prefix: Annotated[str, msgspec.Meta(max_length=255)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class LabelValueRow(msgspec.Struct, array_like=True, frozen=True):
    """One value."""

    value: str
    count: int | float


class LabelValue(msgspec.Struct, frozen=True):
    """A value and how much counts under it in the range."""

    value: str
    count: int | float


class LabelValuesAnswer(msgspec.Struct, frozen=True):
    """Values of a dimension, the ones that count most first."""

    columns: list[Column]
    values: list[LabelValue]
    meta: Meta


def plan_label_values(request: LabelValuesRequest, scope: QueryScope) -> Plan:
    """The statement; one value more than `limit`, to tell whether it is all. Raises Rejected."""
    source = SOURCES[scope.source or "events"]
    values = Values()
    dimension = source.dimension(request.name, values, "name")
    table, where = lookup_rows(request, source, scope, values)
    if "\0" in request.prefix:
        raise Rejected(QuestionReason.INVALID_FIELD, "prefix holds a NUL.", field="prefix")
    if request.prefix:
        where.append(f"startsWith(value, {values.text(request.prefix)})")
    sql = fill(
        "label_values",
        dimension=dimension,
        table=table,
        where=" AND ".join(where),
        limit=values.add(request.limit + 1, "UInt64"),
    )
    return Plan(values.statement(sql), lookup_range(request, scope))


def _plan(request: LabelValuesRequest, scope: QueryScope) -> list[StoreQuery[LabelValueRow]]:
    def answer_part(rows: Sequence[LabelValueRow]) -> AnswerPart:
        shown = [LabelValue(row.value, row.count) for row in rows[: request.limit]]
        return AnswerPart({"values": shown}, truncated=len(rows) > request.limit)

    plan = plan_label_values(request, scope)
    return [StoreQuery("label_values", plan, LabelValueRow, answer_part)]


QUESTION: Final = Question(
    kind="label_values",
    title="Values of a dimension",
    summary="Values of a dimension.",
    request=LabelValuesRequest,
    answer=LabelValuesAnswer,
    plan=_plan,
    columns=(
        text("values", "value", "Value", label="value"),
        count("values", "count", "Count", headline=True),
    ),
    example={"name": "country"},
    metric=lambda request: Metric(request.metric, request.source_named),
    method="GET",
    route="/v1/labels/{name}/values",
    path_parameters={"name": "^[^/]{1,128}$"},
)
