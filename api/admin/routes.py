"""Every route of administration."""

from typing import Final

from api.admin import apps, audits, keys, orgs, schemas, tokens
from api.admin.route import AdminRoute

ADMIN_ROUTES: Final[tuple[AdminRoute, ...]] = (
    *orgs.ROUTES,
    *apps.ROUTES,
    *keys.ROUTES,
    *schemas.ROUTES,
    *tokens.ROUTES,
    *audits.ROUTES,
)
