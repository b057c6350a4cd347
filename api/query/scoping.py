"""The conditions that every statement over rollups begins with."""

from api.query.statement import Values
from api.query.timerange import TimeRange


def scope_conditions(values: Values, org: str, app: str) -> list[str]:
    """What every statement begins with: rows of the token's org, and of its app if it has one."""
    values.scope = (org, app)
    scope = [f"org = {values.text(org)}"]
    return [*scope, f"app = {values.text(app)}"] if app else scope


def time_conditions(values: Values, covered: TimeRange) -> list[str]:
    """Rows of a rollup within whole minutes."""
    return [
        f"time >= toDateTime({values.integer(covered.from_ms // 1000)}, 'UTC')",
        f"time < toDateTime({values.integer(covered.to_ms // 1000)}, 'UTC')",
    ]
