"""The oracle's laws: what it lets pass, and what it finds. Without any server."""

import pytest

from tests.chaos.campaign import plan
from tests.chaos.faults import TABLE
from tests.chaos.oracle import Asked, Found, Kind, Oracle, broken, differences

WHOLE = Found("r1", rows=3, distinct=3, total=6.0)


def asked(kind: Kind, *, attempts: int = 2, receipts: set[str] | None = None) -> Asked:
    known = {"r1"} if receipts is None else receipts
    return Asked("x", kind, 3, 6.0, attempts=attempts, accepted=1, receipts=known)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.BAD_KEY])
def test_a_whole_request_keeps_every_law(kind: Kind) -> None:
    assert broken(asked(kind), [WHOLE]) == ""


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.BAD_KEY])
@pytest.mark.parametrize(
    "found",
    [
        [],
        [Found("r1", 2, 2, 3.0)],
        [Found("r1", 4, 3, 8.0)],
        [Found("r1", 3, 3, 7.0)],
        [Found("r1", 3, 2, 6.0)],
        [WHOLE, Found("r2", 3, 3, 6.0), Found("r3", 3, 3, 6.0)],
    ],
)
def test_lost_doubled_and_changed_items_are_found(kind: Kind, found: list[Found]) -> None:
    assert broken(asked(kind), found)


def test_only_what_has_no_id_may_stand_under_a_receipt_of_each_try() -> None:
    twice = [WHOLE, Found("r2", 3, 3, 6.0)]

    assert broken(asked(Kind.IDENTIFIED), twice)
    assert broken(asked(Kind.OWN_IDS), twice)
    assert broken(asked(Kind.ANONYMOUS), twice) == ""
    assert broken(asked(Kind.SPANS, receipts=set()), twice) == ""


def test_an_answered_receipt_has_to_be_there() -> None:
    assert "r1" in broken(asked(Kind.ANONYMOUS), [Found("r2", 3, 3, 6.0)])


def test_events_with_ids_may_be_spread_over_receipts() -> None:
    assert broken(asked(Kind.OWN_IDS), [Found("a", 1, 1, 1.0), Found("b", 2, 2, 5.0)]) == ""


def test_rows_that_were_never_sent_and_rows_without_a_key_are_found() -> None:
    oracle = Oracle()
    oracle.add(Asked("b", Kind.BAD_KEY, 3, 6.0, attempts=1, accepted=1))

    assert differences(oracle, {}) == []
    assert len(differences(oracle, {"b": [WHOLE], "": [WHOLE]})) == 2


def test_a_plan_is_a_function_of_its_seed() -> None:
    def planned(seed: str) -> list[tuple[str, float]]:
        return [(step.fault.name, step.pause) for step in plan(TABLE, count=50, seed=seed)]

    assert planned("1") == planned("1")
    assert planned("1") != planned("2")


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault, _ in TABLE]

    assert len(names) == len(set(names))
