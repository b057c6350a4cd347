"""`GET /v1/deadletters`: never cached, so that a dead letter shows at once."""

import asyncio
from collections.abc import Mapping

import msgspec

from api.answers import Meta, encode
from api.context import Context
from api.ledger_answers import DeadLetterItem, DeadLettersAnswer, Replayed
from api.query.dead_letters import (
    DeadLetterRow,
    DeadLettersRequest,
    Selection,
    cursor_after,
    dead_letters_range,
    plan_dead_letters,
    plan_reasons,
)
from api.query.decode import from_query
from api.query.replay import original_of
from api.scope import Scope, narrow


async def dead_letters(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """A page of dead letters and counts by reason. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, DeadLettersRequest)
    scope = narrow(scope, context.registry, org_id="", app_id=request.app, app_field="app")
    asked = dead_letters_range(request.from_, request.to, now_ms=context.clock_ms())
    page = Selection(reason=request.reason, name=request.name, cursor=request.cursor)
    every = Selection(name=request.name)
    found, reasons = await asyncio.gather(
        context.store.ask(
            plan_dead_letters(page, asked, org=scope.org, app=scope.app, limit=request.limit),
            DeadLetterRow,
        ),
        context.store.ask(
            plan_reasons(every, asked, org=scope.org, app=scope.app), tuple[str, int]
        ),
    )
    shown = found.rows[: request.limit]
    more = len(found.rows) > request.limit
    return encode(
        DeadLettersAnswer(
            dead_letters=[_shown(row) for row in shown],
            reasons=dict(reasons.rows),
            cursor=cursor_after(shown[-1]) if more else "",
            meta=Meta(
                rows_read=found.rows_read + reasons.rows_read,
                bytes_read=found.bytes_read + reasons.bytes_read,
                truncated=more,
                from_=asked.from_ms,
                to=asked.to_ms,
            ),
        )
    )


def _shown(row: DeadLetterRow) -> DeadLetterItem:
    text = _json_text(original_of(row))
    replay = Replayed(row.replayed_ms, row.replay_receipt) if row.replayed_ms else None
    return DeadLetterItem(
        dead_letter_id=row.dead_letter_id,
        app=row.app,
        signal=row.signal,
        received_at=row.received_ms,
        receipt_id=row.receipt,
        index=row.index,
        reason=row.reason,
        field=row.field,
        message=row.message,
        name=row.name,
        original=row.original if text is None else text,
        encoding="base64" if text is None else "json",
        key_id=row.key_id,
        sent_at=row.sent_ms or None,
        sdk_name=row.sdk_name,
        sdk_version=row.sdk_version,
        protocol=row.protocol,
        replayed=replay,
    )


def _json_text(original: bytes) -> str | None:
    """JSON as it was sent; None where it is none."""
    try:
        msgspec.json.decode(original)
        return original.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
