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
    where = request.condition("received_at")
    known = (
        f"SELECT org, receipt, count() AS n FROM {staging.like}"
        f" WHERE receipt IN (SELECT receipt FROM {staging.table}) AND {where} GROUP BY org, receipt"
    )
    accounted = (
        "SELECT org, receipt, sum(toInt64(accepted) - duplicate - dead_lettered) AS n"
        f" FROM {store.database}.receipts WHERE signal = {{signal:String}}"
        f" AND receipt IN (SELECT receipt FROM {staging.table}) GROUP BY org, receipt"
    )
    judged = (
        "SELECT s.org AS org, s.receipt AS receipt, s.n AS found, k.n AS there, b.n AS accounted"
        f" FROM (SELECT org, receipt, count() AS n FROM {staging.table} WHERE {where}"
        f" GROUP BY org, receipt) AS s LEFT JOIN ({known}) AS k USING (org, receipt)"
        f" LEFT JOIN ({accounted}) AS b USING (org, receipt)"
    )
    params = request.params | {"signal": signal.value}
    added = Added()
    for row in await store.rows(
        "SELECT sum(found) AS total, sumIf(found, there = 0 AND accounted <= 0) AS missing"
        f" FROM ({judged})",
        params=params,
    ):
        added.found, added.added = row["total"], row["missing"]
    for row in await store.rows(
        f"SELECT * FROM ({judged}) WHERE (there != 0 AND there != found) OR"
        " (there = 0 AND accounted > 0) ORDER BY receipt LIMIT 1000",
        params=params,
    ):
        why = (
            f"{row['there']} of its rows are there, and {row['found']} in the archive"
            if row["there"]
            else f"its {row['accounted']} rows are in the ledger and the rollups, but gone from raw"
        )
        added.left.append(f"{signal.value} {row['org']} {row['receipt']}: {why}")
    if added.added:
        await store.command(
            f"INSERT INTO {staging.missing} SELECT * FROM {staging.table} WHERE {where}"
            f" AND (org, receipt) IN (SELECT org, receipt FROM ({judged})"
            " WHERE there = 0 AND accounted <= 0)",
            settings={f"param_{name}": str(value) for name, value in params.items()},
        )
        await insert_missing(store, bucket, staging, steps=_row_steps(store, signal, staging))
    return added


def _row_steps(store: RecoveryStore, signal: Signal, staging: Staging) -> list[str]:
    """Rows, and the ledger's word for them: of one receipt the archive knows no more."""
    return [
        f"INSERT INTO {staging.like} SELECT * FROM {staging.missing} ORDER BY ALL",
        f"INSERT INTO {store.database}.ledger"
        " (org, app, signal, minute, key_id, requests, offered, accepted)"
        f" SELECT org, app, '{signal.value}', toStartOfMinute(toDateTime(received_at, 'UTC')) AS m,"
        " key_id, uniqExact(receipt), count(), count()"
        f" FROM {staging.missing} GROUP BY org, app, m, key_id ORDER BY ALL",
    ]


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
    found = await store.value(
        f"SELECT count() AS n FROM {staging.table} AS s WHERE {_received(request)}", params=params
    )
    await store.command(
        f"INSERT INTO {staging.missing} SELECT s.* EXCEPT (r, o, a, d, b, nth)"
        f" FROM ({_numbered(staging, request)}) AS s"
        f" LEFT JOIN ({_in_the_ledger(store, signal, staging, 'o, a, d, b')}) AS k"
        " USING (org, r, o, a, d, b)"
        f" LEFT JOIN ({_in_the_ledger(store, signal, staging, '')}) AS any USING (org, r)"
        f" LEFT JOIN ({_in_raw(store, signal, staging)}) AS raw USING (org, r)"
        " WHERE if(any.n > 0, s.nth > k.n, raw.n = 0 AND (a > d + b OR {accounted:UInt8} = 1))",
        settings={f"param_{name}": str(value) for name, value in params.items()},
    )
    added = Added(found=found)
    added.added = await store.value(f"SELECT count() AS n FROM {staging.missing}")
    if added.added:
        into = f"INSERT INTO {store.database}.{input_table(signal)}"
        step = f"{into} SELECT * FROM {staging.missing} ORDER BY received_ns, receipt"
        await insert_missing(store, bucket, staging, steps=[step])
    return added


def _received(request: RecoveryRequest) -> str:
    instant = "fromUnixTimestamp64Milli(toInt64(intDiv(s.received_ns, 1000000)), 'UTC')"
    return request.condition(instant).replace("AND app =", "AND s.app =")


def _numbered(staging: Staging, request: RecoveryRequest) -> str:
    """The staged envelopes; those that count the same under one receipt are numbered from 1."""
    return (
        "SELECT *, toUUIDOrZero(receipt) AS r, outcome.offered AS o, outcome.accepted AS a,"
        " outcome.duplicate AS d, outcome.dead_lettered AS b, row_number() OVER"
        " (PARTITION BY org, r, o, a, d, b ORDER BY received_ns) AS nth"
        f" FROM {staging.table} AS s WHERE {_received(request)}"
        " AND (outcome.offered > 0 OR empty(outcome.request_rejections))"
    )


def _in_the_ledger(store: RecoveryStore, signal: Signal, staging: Staging, counts: str) -> str:
    columns = f"org, r, {counts}" if counts else "org, r"
    return (
        f"SELECT {columns}, count() AS n FROM (SELECT org, receipt AS r, offered AS o,"
        f" accepted AS a, duplicate AS d, dead_lettered AS b FROM {store.database}.receipts"
        f" WHERE signal = '{signal.value}'"
        f" AND receipt IN (SELECT toUUIDOrZero(receipt) FROM {staging.table})) GROUP BY {columns}"
    )


def _in_raw(store: RecoveryStore, signal: Signal, staging: Staging) -> str:
    return (
        f"SELECT org, receipt AS r, count() AS n FROM {store.database}.{RAW[signal]}"
        " WHERE received_at BETWEEN"
        f" (SELECT fromUnixTimestamp64Milli(toInt64(intDiv(min(received_ns), 1000000)))"
        f" FROM {staging.table})"
        f" AND (SELECT fromUnixTimestamp64Milli(toInt64(intDiv(max(received_ns), 1000000)))"
        f" FROM {staging.table})"
        f" AND receipt IN (SELECT toUUIDOrZero(receipt) FROM {staging.table}) GROUP BY org, r"
    )
