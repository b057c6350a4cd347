"""Adding to live tables what is missing in them, by receipt; never doubling what is there.

A chunk is staged in a table of its own, what is missing of it goes into a second one, and that is
inserted into where it belongs under a token. Before that, the journal says what will be inserted:
a replay that is killed first finishes its chunk under the same token, and then looks again.
What is there in part is named and left alone: it cannot be told which part is right.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from nats.js.kv import KeyValue

from seamark.recovery import journal
from seamark.recovery.request import RecoveryRequest
from seamark.recovery.statements import statements_of
from seamark.recovery.store import RecoveryStore
from seamark.recovery.tables import RAW
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal, input_table

_STEP_SETTINGS: Final = {
    **{name: value for name, value in INSERT_SETTINGS.items() if name != "format_schema"},
    "deduplicate_insert_select": "force_enable",
    "max_block_size": "65536",
    "min_insert_block_size_rows": "262144",
    "min_insert_block_size_bytes": "134217728",
}


@dataclass(slots=True)
class Added:
    """What a replay did: rows (or envelopes) found, those added, and what is left to a person."""

    found: int = 0
    added: int = 0
    left: list[str] = field(default_factory=list)


class Staging:
    """A pair of tables, shaped like `like`: what was found, and what of it is missing."""

    def __init__(self, store: RecoveryStore, like: str) -> None:
        self._store = store
        self.like = f"{store.database}.{like}"
        self.table = f"{store.database}.replay_{like}"
        self.missing = f"{self.table}_missing"

    async def make(self) -> None:
        """Make them, empty."""
        await self.drop()
        for table in (self.table, self.missing):
            await self._store.command(
                f"CREATE TABLE {table} AS {self.like} ENGINE = MergeTree ORDER BY (org, receipt)"
                " PARTITION BY tuple()"
            )

    async def drop(self) -> None:
        """Take them away."""
        for table in (self.table, self.missing):
            await self._store.command(f"DROP TABLE IF EXISTS {table} SYNC")


async def finish(store: RecoveryStore, bucket: KeyValue) -> bool:
    """Finish the chunk that a killed replay had begun; whether there was one."""
    begun = await journal.read(bucket, journal.Live)
    if begun is None:
        return False
    await _carry_out(store, bucket, begun)
    return True


async def insert_missing(
    store: RecoveryStore, bucket: KeyValue, staging: Staging, *, steps: Sequence[str]
) -> None:
    """Carry out `steps`, which read the missing rows, once whatever happens."""
    token = f"replay:{staging.like}:{secrets.token_hex(8)}"
    begun = journal.Live(token=token, steps=list(steps))
    await journal.write(bucket, begun)
    await _carry_out(store, bucket, begun)


async def _carry_out(store: RecoveryStore, bucket: KeyValue, begun: journal.Live) -> None:
    for step in begun.steps:
        await store.command(
            step, settings=_STEP_SETTINGS | {"insert_deduplication_token": begun.token}
        )
    await journal.clear(bucket, journal.Live)


async def add_rows(
    store: RecoveryStore,
    bucket: KeyValue,
    signal: Signal,
    staging: Staging,
    request: RecoveryRequest,
) -> Added:
    """Of the staged raw rows, those whose receipt is neither in raw nor in the ledger.

    A receipt whose rows are gone from raw but which the ledger have was stored once: its rollups
    are still there, so it is only named.
    """
    totals, incomplete, copy = statements_of(
        "add_rows",
        database=store.database,
        raw=staging.like,
        staged=staging.table,
        missing=staging.missing,
        where=request.condition("received_at"),
    )
    params = request.params | {"signal": signal.value}
    added = Added()
    for row in await store.rows(totals, params=params):
        added.found, added.added = row["total"], row["missing"]
    for row in await store.rows(incomplete, params=params):
        why = (
            f"{row['there']} of its rows are there, and {row['found']} in the archive"
            if row["there"]
            else f"its {row['accounted']} rows are in the ledger and the rollups, but gone from raw"
        )
        added.left.append(f"{signal.value} {row['org']} {row['receipt']}: {why}")
    if added.added:
        await store.command(
            copy,
            settings={f"param_{name}": str(value) for name, value in params.items()},
        )
        steps = statements_of(
            "insert_rows",
            database=store.database,
            raw=staging.like,
            missing=staging.missing,
            signal=signal.value,
        )
        await insert_missing(store, bucket, staging, steps=steps)
    return added


async def add_envelopes(
    store: RecoveryStore,
    bucket: KeyValue,
    signal: Signal,
    staging: Staging,
    request: RecoveryRequest,
    *,
    accounted: bool,
) -> Added:
    """Of the staged envelopes, those that the store does not have.

    Everything an envelope says is written by one block, so the receipts tell of its rows and its
    counts. A batch that was split has several envelopes under one receipt: they differ in what they
    count. Where the receipts know nothing of it, the raw rows are asked. `accounted`: the receipts
    are as old as these envelopes; if not (the store was rebuilt since, its ledger from the
    archive), an envelope that brings no rows is taken to be counted.
    """
    params = request.params | {"accounted": int(accounted)}
    count, copy, count_missing = statements_of(
        "add_envelopes",
        database=store.database,
        raw=f"{store.database}.{RAW[signal]}",
        staged=staging.table,
        missing=staging.missing,
        signal=signal.value,
        where=_received(request),
    )
    found = await store.value(count, params=params)
    await store.command(
        copy, settings={f"param_{name}": str(value) for name, value in params.items()}
    )
    added = Added(found=found)
    added.added = await store.value(count_missing)
    if added.added:
        into = f"INSERT INTO {store.database}.{input_table(signal)}"
        step = f"{into} SELECT * FROM {staging.missing} ORDER BY received_ns, receipt"
        await insert_missing(store, bucket, staging, steps=[step])
    return added


def _received(request: RecoveryRequest) -> str:
    instant = "fromUnixTimestamp64Milli(toInt64(intDiv(s.received_ns, 1000000)), 'UTC')"
    return request.condition(instant).replace("AND app =", "AND s.app =")
