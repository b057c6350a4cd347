"""What to do after an answer of `POST /v1/ingest/batch`, or after none.

done    the batch is durable; `rejected` of its events were not
retry   send the same bytes again, after `asked_ms` or the backoff; the whole queue waits
split   halve the events, with new batchIds, and send both
drop    it will never be taken: count it and go on
stop    the key or the address is wrong: send nothing more, keep what there is
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, NamedTuple

Action = Literal["done", "retry", "split", "drop", "stop"]
_RETRIED: Final = frozenset({408, 425, 429})


class Decision(NamedTuple):
    """`reason` is a word for the statistics; `asked_ms`: how long the server asked to wait."""

    action: Action
    reason: str
    asked_ms: int | None = None
    rejected: int = 0


def decide(
    status: int, headers: Mapping[str, str], body: str, *, events: int, now_ms: int
) -> Decision:
    """`status` 0 is no answer; header names are in lower case; `events` is what the batch holds.

    An answer that is not in the collector's words (a captive portal, a proxy, a firewall) says
    nothing about the batch, so it is sent again, whatever the status, but for 413, 401 and 403.
    """
    document = _read(body)
    error = document.get("error")
    reason = str(error["reason"]) if isinstance(error, dict) and "reason" in error else ""
    if status == 202 and _count(document.get("accepted")) and _count(document.get("rejected")):
        return Decision("done", "accepted", rejected=document["rejected"])
    if status in _RETRIED or status >= 500 or status < 200:
        asked_ms = _asked_ms(document, headers, now_ms)
        return Decision("retry", reason or (f"http_{status}" if status else "network"), asked_ms)
    if status == 413:
        return Decision("split" if events > 1 else "drop", reason or "http_413")
    if status in (401, 403) or (status == 404 and reason):
        return Decision("stop", reason or f"http_{status}")
    if status >= 400 and reason:
        return Decision("drop", reason)
    return Decision("retry", "not_the_collector", _asked_ms(document, headers, now_ms))


def _read(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _asked_ms(document: Mapping[str, Any], headers: Mapping[str, str], now_ms: int) -> int | None:
    """What `nextRetryAfterMs`, or else `Retry-After` (seconds or a date), asks for."""
    told = document.get("nextRetryAfterMs")
    if isinstance(told, int) and _count(told):
        return told
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) * 1000
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, round((at - datetime.fromtimestamp(0, UTC)).total_seconds() * 1000) - now_ms)
