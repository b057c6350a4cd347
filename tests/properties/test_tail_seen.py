"""The law of a tail: whatever order requests land in, each of their records is shown once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from api.query.log_following import ArrivalRow
from api.tail.seen import Seen
from tests.unit.test_tail_seen import NOW, OVERLAP, receipt, records

POLL = 20_000
# when it was received, how much later it landed (so that a look still falls within the overlap),
# how many records it has
requests = st.lists(
    st.tuples(st.integers(-30_000, 600_000), st.integers(0, OVERLAP - POLL), st.integers(1, 4)),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(requests, st.lists(st.integers(1, 90_000), min_size=1, max_size=30), st.integers(1, 200))
def test_each_record_is_shown_once_or_counted(
    sent: list[tuple[int, int, int]], steps: list[int], most: int
) -> None:
    rows = [
        (at + late, ArrivalRow(NOW + at, receipt(number), count))
        for number, (at, late, count) in enumerate(sent)
    ]

    def landed(at: int, since_ms: int) -> list[ArrivalRow]:
        return [row for when, row in rows if when <= at and row.received_ms >= since_ms]

    seen = Seen(overlap_ms=OVERLAP, now_ms=NOW)
    seen.begin(landed(0, seen.floor_ms))
    there = {row.receipt for row in landed(0, 0)}
    told: dict[str, int] = {}
    skipped, at = 0, 0
    for step in [*[min(step, POLL) for step in steps], *[POLL] * 40]:
        at += step
        seen.move(NOW + at)
        new = seen.news(landed(at, seen.floor_ms), most=most)
        skipped += new.skipped
        shown = seen.show(new.arrivals, records(*new.arrivals))
        assert shown == sorted(shown, key=lambda record: (record.received_ms, record.receipt))
        for record in shown:
            told[record.receipt] = told.get(record.receipt, 0) + 1
    expected = {row.receipt: row.records for _, row in rows if row.receipt not in there}
    assert all(expected.get(name) == count for name, count in told.items())
    assert sum(told.values()) + skipped == sum(expected.values())
