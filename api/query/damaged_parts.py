"""Which parts of the store are lost, and which were repaired within the last day."""

import msgspec

from api.query.statement import Statement, Values, fill


class DamagedPart(msgspec.Struct, array_like=True, frozen=True):
    """A row of the statement; times in milliseconds. `last_ms` 0: times of its rows are not known.

    `repaired_ms` 0: not yet.
    """

    table: str
    partition: str
    part: str
    what: str
    rows: int
    first_ms: int
    last_ms: int
    since_ms: int
    repaired_ms: int


def plan_damaged_parts() -> Statement:
    """The statement."""
    return Values().statement(fill("damaged_parts"))
