"""Laws of a batch cut by its events' ids: a partition of its events, whose counts add up."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collector.admission.native.event import Event
from collector.admission.pieces import Piece, split
from seamark.wire.envelope import Outcome
from seamark.wire.signals import choose_partition

idents = st.none() | st.just("") | st.text(min_size=1, max_size=4) | st.sampled_from("abc")
counts = st.dictionaries(st.sampled_from(["invalid_name", "too_late"]), st.integers(1, 9))


def pieces_of(
    ids: list[str | None], *, partitions: int, home: int, outcome: Outcome
) -> list[Piece]:
    return split(
        [Event(ts=n, name="a", id=ident) for n, ident in enumerate(ids)],
        outcome=outcome,
        home=home,
        partition_of=lambda ident: choose_partition("o", "a", ident, partitions),
    )


@given(
    ids=st.lists(idents, max_size=40),
    partitions=st.integers(1, 16),
    at=st.integers(0, 15),
    rejected=counts,
    sampled=st.integers(0, 3),
    limited=st.integers(0, 3),
)
def test_pieces_partition_a_batch(
    ids: list[str | None],
    partitions: int,
    at: int,
    rejected: dict[str, int],
    sampled: int,
    limited: int,
) -> None:
    home = at % partitions
    lost = sum(rejected.values()) + sampled + limited
    outcome = Outcome(len(ids) + lost, len(ids), rejected, sampled=sampled, limited=limited)
    pieces = pieces_of(ids, partitions=partitions, home=home, outcome=outcome)

    assert pieces
    assert len({piece.partition for piece in pieces}) == len(pieces)  # one frame for each stream
    seen: list[int] = []
    for piece in pieces:
        events = json.loads(piece.body)
        own = piece.outcome
        assert own.accepted == len(events)
        assert own.offered == own.accepted + sum(own.rejected.values()) + own.sampled + own.limited
        assert piece.event_ids == any(event.get("id") for event in events)
        for event in events:
            told = event.get("id")
            expected = choose_partition("o", "a", told, partitions) if told else home
            assert piece.partition == expected
        order = [event["ts"] for event in events]
        assert order == sorted(order)
        seen += order
    assert sorted(seen) == list(range(len(ids)))

    def total(field: str) -> int:
        return sum(getattr(piece.outcome, field) for piece in pieces)

    assert [piece.outcome.part for piece in pieces] == list(range(len(pieces)))
    for field in ("offered", "accepted", "sampled", "limited"):
        assert total(field) == getattr(outcome, field)
    together: Counter[str] = Counter()
    for piece in pieces:
        together.update(piece.outcome.rejected)
    assert together == rejected


@given(ids=st.lists(idents, min_size=1, max_size=20), partitions=st.integers(1, 8))
def test_a_retry_is_cut_the_same(ids: list[str | None], partitions: int) -> None:
    outcome = Outcome(len(ids), len(ids))
    first = pieces_of(ids, partitions=partitions, home=0, outcome=outcome)

    assert pieces_of(ids, partitions=partitions, home=0, outcome=outcome) == first
