"""`POST /v1/deadletters:replay`: mends dead letters and sends them again, or previews it.

The verdict is the collector's own, also in a dry run. Sent twice, an event counts once: for a day
because its id (the dead letter's) and the batch's name are the same, and for ever because
a dead letter whose event is stored is left out.
"""

import asyncio
from collections import Counter
from typing import Annotated, Any, Final, Literal

import msgspec

from api.answers import Meta
from api.query.dead_letters import (
    MAX_DEAD_LETTERS,
    DeadLetterRow,
    Selection,
    SelectionRequest,
    cursor_after,
    plan_dead_letters,
)
from api.query.request import QueryScope
from api.questions.columns import Column, text
from api.questions.question import ADMINS, AnswerPart, Question
from api.questions.replay_batches import Batch, Mended, batches, mended
from api.questions.replay_patch import Change, check
from api.questions.upstreams import Taken, Turned, Upstreams
from api.reasons import QuestionReason
from seamark.wire.failures import Unavailable

_AT_ONCE: Final = 8
Result = Literal["accepted", "rejected", "skipped"]


class ReplayRequest(SelectionRequest, frozen=True, kw_only=True, rename="camel"):
    """Which dead letters, the changes to their events, and whether to send (`dryRun: false`).

    The newest dead letters first, at most `limit` of them; `cursor` goes on with older ones. Those
    that were replayed before are left out unless `again`.
    """

    dead_letter_ids: Annotated[list[str], msgspec.Meta(max_length=MAX_DEAD_LETTERS)] = (
        msgspec.field(default_factory=list)
    )
    patch: list[Change] = msgspec.field(default_factory=list)
    dry_run: bool = True
    again: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEAD_LETTERS, title="Limit")] = 100


class ReplayedDeadLetter(msgspec.Struct, frozen=True, rename="camel"):
    """What a replay made of one dead letter. `before`, `after`: the event,
    null when it is skipped.

    `result`: `accepted`; `rejected` (`why` says what is still wrong); `skipped`, for it cannot be
    sent.
    """

    dead_letter_id: str
    app: str
    result: Result
    before: Any
    after: Any
    why: str = ""


class ReplayAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What a replay did, or would do (`dry_run`). `cursor`: goes on with older dead letters.

    `receipts`: of the batches that were sent.
    """

    columns: list[Column]
    dry_run: bool
    accepted: int
    rejected: int
    skipped: int
    dead_letters: list[ReplayedDeadLetter]
    receipts: list[str]
    cursor: str
    meta: Meta


async def _answer(request: ReplayRequest, scope: QueryScope, upstreams: Upstreams) -> AnswerPart:
    check(request.patch)
    selection = Selection(
        reason=request.reason,
        name=request.name,
        dead_letter_ids=request.dead_letter_ids,
        cursor=request.cursor,
        unplayed=not request.again,
    )
    plan = plan_dead_letters(selection, request.covered(scope), scope, limit=request.limit)
    found = await upstreams.rows(plan, DeadLetterRow)
    rows = found[: request.limit]
    more = len(found) > request.limit
    tried = [mended(row, request.patch) for row in rows]
    sending = _Sending(upstreams, dry_run=request.dry_run)
    await sending.send(batches([one for one in tried if not one.why], request.patch))
    dead_letters = [_told(one, sending, request.dry_run) for one in tried]
    results = Counter(one.result for one in dead_letters)
    fields: dict[str, object] = {
        "dryRun": request.dry_run,
        "accepted": results["accepted"],
        "rejected": results["rejected"],
        "skipped": results["skipped"],
        "deadLetters": dead_letters,
        "receipts": sending.receipts,
        "cursor": cursor_after(rows[-1]) if more else "",
    }
    logged = {
        "counts": {kind: results[kind] for kind in ("accepted", "rejected", "skipped")},
        "patch": msgspec.json.encode(request.patch).decode(),
        "receipts": sending.receipts[:100],
    }
    return AnswerPart(fields, truncated=more, logged={} if request.dry_run else logged)


class _Sending:
    """Sends batches, a few at a time, and keeps the result of each dead letter."""

    def __init__(self, upstreams: Upstreams, *, dry_run: bool) -> None:
        self.results: dict[str, tuple[Result, str]] = {}
        self.receipts: list[str] = []
        self._backends = upstreams
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
                taken = await self._backends.replay(batch.body, dry_run=self._dry_run)
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


QUESTION: Final = Question(
    kind="replay",
    title="Replay of dead letters",
    summary="Mend rejected events and send them again; needs an admin token.",
    request=ReplayRequest,
    answer=ReplayAnswer,
    steps=_answer,
    columns=(
        text("deadLetters", "deadLetterId", "Dead letter"),
        text("deadLetters", "app", "App"),
        text("deadLetters", "result", "Result"),
        text("deadLetters", "why", "Why"),
        text("deadLetters", "before", "Before"),
        text("deadLetters", "after", "After"),
    ),
    example={},
    cached=False,
    readers=ADMINS,
    route="/v1/deadletters:replay",
)
