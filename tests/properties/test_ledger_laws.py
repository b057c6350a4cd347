"""Laws of the ledger, on the engine: it says what envelopes and rows say, whatever the blocks.

The oracle is Python's own arithmetic on what was sent.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.questions.ledger import LedgerCounts, balance, total
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.signals import Signal
from tests.support.ledger import events, sent
from tests.support.schema_store import FEW, EngineStore

pytestmark = pytest.mark.integration
THEN: Final = 1_795_316_640_000
CLAIMED: Final = ("offered", "accepted", "sampled", "limited", "duplicate", "dead_lettered")
SUMS: Final = ("requests", *CLAIMED, "stored", "archived", "dead_letters")


@dataclass(frozen=True)
class Request:
    """One envelope: what it claims, and the items it really carries."""

    app: str
    key: str
    minute: int
    outcome: Outcome
    carried: int
    dead_letters: int

    @property
    def group(self) -> tuple[str, str, int]:
        return self.app, self.key, self.minute

    def encoded(self, number: int) -> bytes:
        return sent(
            self.outcome,
            receipt=number,
            received_ms=THEN + self.minute * 60_000,
            events=events(self.carried, THEN),
            dead_letters=[DeadLetter(n, "a", "", "", b"") for n in range(self.dead_letters)],
            app=self.app,
            key=self.key,
        )


def honest(rng: random.Random) -> Request:
    """An envelope as the collector and the processors make them."""
    accepted = rng.randint(0, 6)
    rejected = {
        reason: rng.randint(1, 3) for reason in rng.sample(["a", "b", "c"], rng.randint(0, 2))
    }
    sampled, limited = rng.choice([0, 0, 3]), rng.choice([0, 0, 2])
    duplicate = rng.choice([0, 0, rng.randint(0, accepted)])
    dead_lettered = rng.choice([0, 0, accepted - duplicate])
    refused = {"late": 2} if rng.random() < 0.2 else {}
    return Request(
        app=rng.choice(["shop", "blog"]),
        key=rng.choice(["k1", "k2"]),
        minute=rng.randint(0, 2),
        outcome=Outcome(
            offered=accepted + sum(rejected.values()) + sampled + limited,
            accepted=accepted,
            rejected=rejected,
            sampled=sampled,
            limited=limited,
            duplicate=duplicate,
            dead_lettered=dead_lettered,
            request_rejections=refused,
        ),
        carried=accepted - duplicate - dead_lettered,
        dead_letters=rng.randint(0, sum(rejected.values())),
    )


def oracle(requests: Sequence[Request]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The ledger by app, key and minute."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for request in requests:
        row = found.setdefault(
            request.group,
            dict.fromkeys(SUMS, 0) | {"rejected": Counter(), "request_rejections": Counter()},
        )
        outcome = request.outcome
        row["requests"] += bool(outcome.offered or not outcome.request_rejections)
        for name in CLAIMED:
            row[name] += getattr(outcome, name)
        row["stored"] += request.carried
        row["dead_letters"] += request.dead_letters
        row["rejected"].update(outcome.rejected)
        row["request_rejections"].update(outcome.request_rejections)
    return found


def read(store: EngineStore) -> dict[tuple[str, str, int], LedgerCounts]:
    """The ledger as it stands in the store."""
    order = [
        name for name in LedgerCounts.__struct_fields__ if name not in ("time", "app", "signal")
    ]
    columns = ", ".join(
        f"sumMap({name})" if name in ("rejected", "request_rejections") else f"sum({name})"
        for name in order
    )
    rows = store.rows(
        f"SELECT key_id, {columns}, toUnixTimestamp(minute) * 1000 AS at, app, signal "
        f"FROM {store.database}.ledger GROUP BY app, signal, key_id, minute"
    )
    found = [(row[0], LedgerCounts(*row[1:])) for row in rows]
    return {(row.app, key, (row.time - THEN) // 60_000): row for key, row in found}


def cut(requests: Sequence[Request], rng: random.Random) -> list[list[bytes]]:
    """The envelopes, shuffled, in blocks of any size."""
    encoded = [request.encoded(number) for number, request in enumerate(requests)]
    rng.shuffle(encoded)
    blocks = []
    while encoded:
        size = rng.randint(1, len(encoded))
        blocks.append(encoded[:size])
        encoded = encoded[size:]
    return blocks


@FEW
@given(st.integers(0, 2**32))
def test_the_ledger_is_the_oracles_and_balances(seed: int) -> None:
    rng = random.Random(seed)
    requests = [honest(rng) for _ in range(60)]
    store = EngineStore().migrated()
    for token, block in enumerate(cut(requests, rng)):
        for _ in range(rng.choice([1, 1, 2])):  # a block that is retried counts once
            store.insert(Signal.EVENTS, block, token=str(token))
    found = read(store)
    expected = oracle(requests)
    assert found.keys() == expected.keys()
    for group, row in expected.items():
        for name in SUMS:
            assert getattr(found[group], name) == row[name], (group, name)
        assert found[group].rejected == dict(row["rejected"])
        assert found[group].request_rejections == dict(row["request_rejections"])
        differences = balance(found[group])
        assert (differences.offered, differences.stored) == (0, 0)
        assert differences.archived == row["stored"]
    whole = balance(total(list(found.values())))
    assert (whole.offered, whole.stored) == (0, 0)
    receipts = store.rows(f"SELECT count(), sum(offered) FROM {store.database}.receipts")
    assert receipts[0] == [
        sum(row[name] for row in expected.values()) for name in ("requests", "offered")
    ]


@FEW
@given(st.integers(0, 2**32), st.sampled_from([-2, -1, 1, 5]))
def test_what_is_missing_or_too_much_shows_where_it_is(seed: int, off: int) -> None:
    rng = random.Random(seed)
    requests = [honest(rng) for _ in range(20)]
    carrying = next(n for n, request in enumerate(requests) if request.carried + off >= 0)
    wrong = requests[carrying]
    requests[carrying] = Request(
        wrong.app, wrong.key, wrong.minute, wrong.outcome, wrong.carried + off, wrong.dead_letters
    )
    store = EngineStore().migrated()
    for block in cut(requests, rng):
        store.insert(Signal.EVENTS, block)
    differences = {group: balance(row).stored for group, row in read(store).items()}
    assert differences == {
        group: (-off if group == wrong.group else 0) for group in oracle(requests)
    }
