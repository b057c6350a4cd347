"""`POST /v1/deadletters:replay`: mends dead letters and sends them again, or previews it.

The verdict is the collector's own, also in a dry run. Sent twice, an event counts once: for a day
because its id (the dead letter's) and the batch's name are the same, and for ever because
a dead letter whose event is stored is left out.
"""

import asyncio
import logging
from typing import Final, Literal

import msgspec

from api.answers import Meta, encode
from api.context import Context
from api.ingest import IngestClient, Taken, Turned
from api.ledger_answers import ReplayAnswer, ReplayedDeadLetter
from api.query.dead_letters import (
    DeadLetterRow,
    Selection,
    cursor_after,
    dead_letters_range,
    plan_dead_letters,
)
from api.query.decode import from_json
from api.query.patch import check
from api.query.replay import Batch, Mended, ReplayRequest, batches, mended
from api.reasons import QuestionReason
from api.scope import Scope, narrow
from seamark.wire.failures import Unavailable

logger = logging.getLogger(__name__)
_AT_ONCE: Final = 8
Result = Literal["accepted", "rejected", "skipped"]


async def replay(context: Context, scope: Scope, body: bytes, *, token: str) -> bytes:
    """Replay dead letters, `token` being the asker's. Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, ReplayRequest)
    check(request.patch)
    if context.ingest is None:
        raise Unavailable(
            "This API was not told where the collector is (SEAMARK_API_INGEST_URL).",
            reason=QuestionReason.UNAVAILABLE,
        )
    scope = narrow(scope, context.registry, org_id="", app_id=request.app, app_field="app")
    asked = dead_letters_range(request.from_, request.to, now_ms=context.clock_ms())
    selection = Selection(
        reason=request.reason,
        name=request.name,
        dead_letter_ids=request.dead_letter_ids,
        cursor=request.cursor,
        unplayed=not request.again,
    )
    found = await context.store.ask(
        plan_dead_letters(selection, asked, org=scope.org, app=scope.app, limit=request.limit),
        DeadLetterRow,
    )
    rows = found.rows[: request.limit]
    more = len(found.rows) > request.limit
    tried = [mended(row, request.patch) for row in rows]
    sending = _Sending(context.ingest, token=token, dry_run=request.dry_run)
    await sending.send(batches([one for one in tried if not one.why], request.patch))
    dead_letters = [_told(one, sending, request.dry_run) for one in tried]
    counts = {kind: sum(1 for one in dead_letters if one.result == kind) for kind in _KINDS}
    if not request.dry_run:
        logger.info(
            "dead_letters replayed",
            extra={
                "org": scope.org,
                "app": scope.app,
                "counts": counts,
                "patch": msgspec.json.encode(request.patch).decode(),
                "receipts": sending.receipts[:100],
            },
        )
    return encode(
        ReplayAnswer(
            dry_run=request.dry_run,
            accepted=counts["accepted"],
            rejected=counts["rejected"],
            skipped=counts["skipped"],
            dead_letters=dead_letters,
            receipts=sending.receipts,
            cursor=cursor_after(rows[-1]) if more else "",
            meta=Meta(rows_read=found.rows_read, bytes_read=found.bytes_read, truncated=more),
        )
    )


_KINDS: Final[tuple[Result, ...]] = ("accepted", "rejected", "skipped")


class _Sending:
    """Sends batches, a few at a time, and keeps what became of each dead letter."""

    def __init__(self, ingest: IngestClient, *, token: str, dry_run: bool) -> None:
        self.results: dict[str, tuple[Result, str]] = {}
        self.receipts: list[str] = []
        self._ingest = ingest
        self._token = token
        self._dry_run = dry_run
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._away: Unavailable[QuestionReason] | None = None

    async def send(self, found: list[Batch]) -> None:
        """Send all of them. Raises Unavailable when none could be sent."""
        await asyncio.gather(*(self._send(batch) for batch in found))
        if self._away is not None and not any(
            result != "skipped" for result, _ in self.results.values()
        ):
            raise self._away

    async def _send(self, batch: Batch) -> None:
        async with self._turns:
            if self._away is not None:
                self._all(batch, "skipped", f"not sent: {self._away.message} Ask again.")
                return
            try:
                taken = await self._ingest.replay(
                    batch.body, token=self._token, dry_run=self._dry_run
                )
            except Unavailable as away:
                self._away = away
                self._all(batch, "skipped", f"not sent: {away.message} Ask again.")
                return
        if isinstance(taken, Turned):
            self._all(batch, "rejected", taken.message)
        else:
            self._taken(batch, taken)

    def _taken(self, batch: Batch, taken: Taken) -> None:
        self._all(batch, "accepted", "")
        for fault in taken.errors:
            if 0 <= fault.index < len(batch.dead_letters):
                dead_letter = batch.dead_letters[fault.index].row.dead_letter_id
                self.results[dead_letter] = "rejected", f"{fault.reason}: {fault.message}"
        if taken.receipt_id and not self._dry_run:
            self.receipts.append(taken.receipt_id)

    def _all(self, batch: Batch, result: Result, why: str) -> None:
        for dead_letter in batch.dead_letters:
            self.results[dead_letter.row.dead_letter_id] = result, why


def _told(one: Mended, sending: _Sending, dry_run: bool) -> ReplayedDeadLetter:
    result, why = sending.results.get(one.row.dead_letter_id, ("skipped", one.why))
    return ReplayedDeadLetter(
        dead_letter_id=one.row.dead_letter_id,
        app=one.row.app,
        result=result,
        before=one.before if dry_run else None,
        after=one.after if dry_run else None,
        why=why,
    )
