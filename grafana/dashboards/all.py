"""All dashboards, in the order in which the documentation names them."""

from typing import Final

from grafana.dashboards import (
    cost,
    errors,
    ledger,
    logs,
    pipeline,
    product,
    releases,
    service,
    services,
    start,
    tenants,
    trace,
    traces,
    traffic,
    web_performance,
)
from grafana.dashboards.board import Board

BOARDS: Final[tuple[Board, ...]] = tuple(
    module.DASHBOARD
    for module in (
        start,
        web_performance,
        releases,
        product,
        traffic,
        services,
        service,
        errors,
        logs,
        traces,
        trace,
        pipeline,
        ledger,
        tenants,
        cost,
    )
)
