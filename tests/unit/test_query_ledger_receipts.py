"""What a receipt's state is, from what was counted."""

import pytest

from api.questions.receipt import read_receipt
from api.questions.receipt_envelopes import EnvelopeRow, verdict
from seamark.wire.failures import Rejected

KEPT_MS = 1_000


def row(received_ms: int = 2_000, **counts: int) -> EnvelopeRow:
    fields = {
        "offered": 0,
        "accepted": 0,
        "sampled": 0,
        "limited": 0,
        "duplicate": 0,
        "dead_lettered": 0,
    }
    return EnvelopeRow(
        app="shop",
        signal="events",
        received_ms=received_ms,
        rejected={},
        dead_letters=0,
        **fields | counts,
    )


@pytest.mark.parametrize(
    ("found", "rows", "state"),
    [
        ([row(offered=3, accepted=3)], 3, "stored"),
        ([row(offered=3, accepted=3), row(offered=3, accepted=3, duplicate=3)], 3, "stored"),
        ([row(offered=3, accepted=3), row(offered=3, accepted=3, duplicate=1)], 5, "stored"),
        ([row(offered=0)], 0, "stored"),
        ([row(offered=3)], 0, "rejected"),
        ([row(offered=3, accepted=3, duplicate=3)], 0, "duplicate"),
        ([row(offered=3, accepted=3, dead_lettered=3)], 0, "dead_lettered"),
        ([row(offered=3, accepted=3, duplicate=1, dead_lettered=2)], 0, "dead_lettered"),
        ([row(offered=3, accepted=3)], 2, "fault"),
        ([row(offered=3, accepted=3)], 4, "fault"),
        ([row(received_ms=999, offered=3, accepted=3)], 2, "expired"),
    ],
)
def test_states(found: list[EnvelopeRow], rows: int, state: str) -> None:
    told, why = verdict(found, rows=rows, waiting=0, oldest_kept_ms=KEPT_MS)
    assert told == state
    assert bool(why) == (state != "stored")
    assert verdict(found, rows=rows, waiting=1, oldest_kept_ms=KEPT_MS)[0] == "logged"


def test_receipts_are_uuids() -> None:
    text = "019AD000-0000-7000-8000-000000000001"
    assert read_receipt(text) == text.lower()
    assert read_receipt(text.replace("-", "")) == text.lower()
    for wrong in ("", "x" * 36, text + "0", "{" + text[1:-1] + "}"):
        with pytest.raises(Rejected):
            read_receipt(wrong)
