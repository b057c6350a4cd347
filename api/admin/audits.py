"""`GET /v1/admin/audit`: what was changed in a scope."""

from typing import Annotated

from msgspec import Meta

from api.admin import examples
from api.admin.audit import MOST, Audit
from api.admin.route import AdminRoute, Call, Made
from api.admin.scope import InOrg, org_filter


class AuditRequest(InOrg, frozen=True, kw_only=True, rename="camel"):
    """How many of the latest changes."""

    limit: Annotated[int, Meta(ge=1, le=MOST)] = 100


async def _list(call: Call) -> Made:
    org = org_filter(call, call.query.org_id)
    log = await call.admin.audit()
    return Made(
        Audit(changes=await log.latest(org=org, app=call.token.app, limit=call.query.limit))
    )


ROUTES = (
    AdminRoute(
        "GET", "/v1/admin/audit", "Who changed what, the latest first.", Audit,
        query=AuditRequest, handle=_list, answer_example={"changes": [examples.CHANGE]},
    ),
)  # fmt: skip
