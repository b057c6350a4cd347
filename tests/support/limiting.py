"""A limiter for tests of what stands before and behind it."""

from collections.abc import Mapping

from collector.admission.limits.limiter import Limiter
from collector.admission.limits.month_use import MonthUse
from collector.admission.limits.totals import Totals
from seamark.service.registry import OrgRecord


def limiter_of(orgs: Mapping[str, OrgRecord]) -> Limiter:
    """A limiter without a sync: each bucket has its advance and no more."""
    return Limiter(orgs, months=MonthUse(Totals("test"), share=0.5, month="2026-12"))
