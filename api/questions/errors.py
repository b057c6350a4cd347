"""`POST /v1/query/errors`: rates from rollups, groups from raw rows."""

from collections.abc import Sequence

from api.answers import encode
from api.context import Context
from api.query.decode import from_json
from api.query.error_groups import GroupRow, plan_error_groups
from api.query.error_rates import MAX_RELEASES, ErrorsRequest, ReleaseRow, plan_error_rates
from api.query.request import Plan
from api.questions.planned import Question, Shown, both
from api.scope import Scope
from api.service_answers import ErrorGroup, ErrorSample, ReleaseErrors


def _show_rates(_: ErrorsRequest, __: Plan, rows: Sequence[ReleaseRow]) -> Shown:
    total, *releases = [
        ReleaseErrors(
            row.release, row.errors, row.against, row.errors / row.against if row.against else None
        )
        for row in rows
    ] or [ReleaseErrors("", 0, 0, None)]
    return Shown(
        {"total": total, "releases": releases[:MAX_RELEASES]},
        truncated=len(releases) > MAX_RELEASES,
        sampled=any(row.sampled for row in rows),
    )


def _show_groups(request: ErrorsRequest, _: Plan, rows: Sequence[GroupRow]) -> Shown:
    shown = rows[: request.limit]
    groups = [
        ErrorGroup(
            fingerprint=row.fingerprint,
            app=row.app,
            service=row.service,
            type=row.type,
            message=row.message,
            frame=row.frame,
            count=row.count,
            people=row.people,
            first_seen=row.first_ms,
            last_seen=row.last_ms,
            releases=row.releases,
            new_in=row.new_in,
            sample=ErrorSample(*row.sample),
        )
        for row in shown
    ]
    return Shown(
        {"groups": groups},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


RATES = Question("error_rates", ErrorsRequest, plan_error_rates, ReleaseRow, _show_rates)
GROUPS = Question("error_groups", ErrorsRequest, plan_error_groups, GroupRow, _show_groups)


async def errors(context: Context, scope: Scope, body: bytes) -> bytes:
    """Rates and groups together. Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, ErrorsRequest)
    rates, rates_meta = await RATES.find(context, scope, request)
    groups, groups_meta = await GROUPS.find(context, scope, request)
    return encode({**rates, **groups, "meta": both(rates_meta, groups_meta)})
