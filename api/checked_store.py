"""A store that refuses statements about attributes that no row has.

Without it a misspelt key is answered as if every row lacked the attribute. A key is looked up
before the first statement that uses it and remembered once found; where the look-up fails, or the
scope has no rows at all, the statement is run as it is.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from api.query.attribute_keys import plan_key_exists, plan_keys, unknown_attribute
from api.query.statement import AttributeUse, Statement
from api.store import QuestionStore, Rows, StoreFault
from seamark.wire.failures import Rejected, Unavailable

R = TypeVar("R")
_REMEMBERED_SECONDS: Final = 3600.0
_MOST_REMEMBERED: Final = 50_000


class CheckedStore:
    """See `QuestionStore`; `ask` also raises Rejected (UNKNOWN_ATTRIBUTE)."""

    def __init__(
        self, store: QuestionStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[tuple[tuple[str, str], str, str, tuple[str, ...], str], float] = {}

    async def ask(self, statement: Statement, row: type[R]) -> Rows[R]:
        """See `QuestionStore.ask`."""
        await self.check(statement)
        return await self._store.ask(statement, row)

    async def check(self, statement: Statement) -> None:
        """Raise Rejected where the statement uses an attribute that no row of its scope has."""
        for use in statement.attributes:
            identity = (statement.scope, statement.metric, use.table, use.maps, use.name)
            if self._known.get(identity, 0.0) > self._clock():
                continue
            await self._look_up(use, statement)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[identity] = self._clock() + _REMEMBERED_SECONDS

    async def _look_up(self, use: AttributeUse, statement: Statement) -> None:
        within = statement.scope, statement.metric
        try:
            found = await self._store.ask(plan_key_exists(use, *within), tuple[int])
            if found.rows:
                return
            keys = await self._store.ask(plan_keys(use, *within), tuple[str, int])
        except (Rejected, Unavailable, StoreFault):
            return
        if keys.rows:
            raise unknown_attribute(use, [key for key, _ in keys.rows if key])
