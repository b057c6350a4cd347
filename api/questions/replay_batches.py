"""From dead letters to batches that can be sent again. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from api.query.dead_letters import DeadLetterRow, original_of
from api.questions.replay_patch import Change, Event, patched

DEAD_LETTERS_PER_BATCH: Final = 100
"""As many as the collector names the faults of (`ERRORS_REPORTED`)."""
BATCH_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Mended:
    """A dead letter, its event before and after the patch; `why` it cannot be sent, or ""."""

    row: DeadLetterRow
    before: Event | None
    after: Event | None
    why: str = ""


def mended(row: DeadLetterRow, changes: Sequence[Change]) -> Mended:
    """The event of a dead letter with the patch made. Its `id` becomes the dead letter's."""
    if row.signal != "events":
        return Mended(row, None, None, "an OTLP item, which can be listed only")
    original = original_of(row)
    if not original:
        return Mended(row, None, None, "its original was not kept")
    try:
        before = msgspec.json.decode(original)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Mended(row, None, None, "its original is no JSON")
    if not isinstance(before, dict):
        return Mended(row, None, None, "its original is no JSON object")
    after = patched(before, changes)
    after["id"] = row.dead_letter_id
    return Mended(row, before, after)


@dataclass(frozen=True, slots=True)
class Batch:
    """Dead letters of one request, and the native batch that sends them again."""

    dead_letters: Sequence[Mended]
    body: bytes


def batches(dead_letters: Sequence[Mended], changes: Sequence[Change]) -> list[Batch]:
    """The batches of sendable dead letters: one for each app and receipt, more if it is large.

    Times and SDK are those of the request that was rejected, so the events get the times they would
    have had. The same dead letters and changes make the same `batchId`.
    """
    groups: dict[tuple[object, ...], list[Mended]] = {}
    for dead_letter in dead_letters:
        row = dead_letter.row
        key = (row.app, row.receipt, row.received_ms, row.sent_ms, row.sdk_name, row.sdk_version)
        groups.setdefault(key, []).append(dead_letter)
    text = msgspec.json.encode(changes)
    return [
        _batch(part, text)
        for group in groups.values()
        for part in _parts(sorted(group, key=lambda dead_letter: dead_letter.row.dead_letter_id))
    ]


def _parts(group: Sequence[Mended]) -> Iterator[list[Mended]]:
    part: list[Mended] = []
    size = 0
    for dead_letter in group:
        length = len(msgspec.json.encode(dead_letter.after))
        if part and (len(part) >= DEAD_LETTERS_PER_BATCH or size + length > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(dead_letter)
        size += length
    if part:
        yield part


def _batch(dead_letters: Sequence[Mended], changes: bytes) -> Batch:
    row = dead_letters[0].row
    names = "\n".join(dead_letter.row.dead_letter_id for dead_letter in dead_letters)
    name = hashlib.sha256(names.encode() + b"\0" + changes).hexdigest()[:40]
    body: dict[str, Any] = {
        "appId": row.app,
        "batchId": f"replay:{name}",
        "receivedAt": row.received_ms,
        "sdk": {"name": row.sdk_name, "version": row.sdk_version},
        "events": [dead_letter.after for dead_letter in dead_letters],
    }
    if row.sent_ms:
        body["sentAt"] = row.sent_ms
    return Batch(dead_letters, msgspec.json.encode(body))
