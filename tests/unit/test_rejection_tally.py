"""Counts of rejected requests: by minute and owner, and bounded."""

from collector.admission.rejection_tally import RejectionCounts, RejectionTally, RequestOwner
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

MINUTE_NS = 60 * 1_000_000_000
SHOP = RequestOwner("acme", "shop", "k1", Signal.EVENTS)
NOBODY = RequestOwner("", "", "", Signal.EVENTS)


def test_counts_are_by_the_minute_they_were_counted_in() -> None:
    tally = RejectionTally()
    for now_ns in (0, 1, MINUTE_NS - 1, MINUTE_NS, 3 * MINUTE_NS + 5):
        assert tally.add(SHOP, Reason.TOO_LARGE, now_ns=now_ns)
    tally.add(SHOP, Reason.ORIGIN, now_ns=2)
    tally.add(NOBODY, Reason.NO_KEY, now_ns=3)

    assert [
        (minute, owner, counts.requests)
        for minute, owner, counts in sorted(
            tally.take(), key=lambda entry: (entry[1].org == "", entry[0])
        )
    ] == [
        (0, SHOP, {"body_too_large": 3, "origin_not_allowed": 1}),
        (MINUTE_NS, SHOP, {"body_too_large": 1}),
        (3 * MINUTE_NS, SHOP, {"body_too_large": 1}),
        (0, NOBODY, {"missing_key": 1}),
    ]


def test_what_is_taken_is_gone() -> None:
    tally = RejectionTally()
    tally.add(SHOP, Reason.TOO_LARGE, now_ns=0)

    assert len(tally.take()) == 1
    assert (tally.take(), tally.entries) == ([], 0)


def test_beyond_its_capacity_requests_are_counted_without_an_owner() -> None:
    tally = RejectionTally(capacity=4)
    for n in range(100):
        assert tally.add(SHOP._replace(app=f"app-{n}"), Reason.TOO_LARGE, now_ns=0)
    counted = tally.take()

    assert sum(n for _, _, counts in counted for n in counts.requests.values()) == 100
    assert len(counted) == 5
    assert counted[-1] == (0, NOBODY, RejectionCounts({"body_too_large": 96}))


def test_memory_is_bounded_however_long_the_log_is_away() -> None:
    tally = RejectionTally(capacity=4)
    taken = [tally.add(SHOP, Reason.TOO_LARGE, now_ns=n * MINUTE_NS) for n in range(1000)]

    assert taken == [True] * 8 + [False] * 992
    assert tally.entries == 8
    assert tally.add(SHOP, Reason.TOO_LARGE, now_ns=0)


def test_known_items_are_counted_beside_their_requests() -> None:
    tally = RejectionTally()
    for items in (3, 0, 4):
        tally.add(SHOP, Reason.ID_REUSED, now_ns=0, items=items)
    tally.add(SHOP, Reason.MALFORMED, now_ns=0)

    assert tally.take() == [
        (0, SHOP, RejectionCounts({"id_reused": 3, "malformed": 1}, {"id_reused": 7}))
    ]
