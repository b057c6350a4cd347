"""When counts agree, when they differ, and when it cannot be told."""

import json

import pytest

from seamark.recovery import verdict
from seamark.recovery.accounts import Account, Counts, Key, RollupKey, differences

HOUR = 1_795_316_400
KEY = Key("events", "acme", "shop", HOUR)


def counts(**changed: int | bool | None) -> Counts:
    whole: dict[str, int | bool | None] = {
        "offered": 13,
        "accepted": 10,
        "rejected": 2,
        "sampled": 1,
        "duplicate": 3,
        "dead_lettered": 1,
        "stored": 6,
        "archived": 6,
        "raw": 6,
        "files": 6,
    }
    return Counts(**(whole | changed))  # type: ignore[arg-type]


def test_all_agrees() -> None:
    account = Account(
        lines={KEY: counts()},
        rollups={RollupKey("events", "events_1m", "acme", "shop", HOUR): (6, 6)},
    )
    assert differences(account) == []
    assert verdict.code(account) == 0
    assert "all agree" in verdict.table(account)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"offered": 14}, "offered"),
        ({"raw": 5, "stored": 5, "files": 5, "archived": 5}, "raw rows ≠ accepted"),
        ({"stored": 7}, "stored"),
        ({"files": 5, "archived": 5}, "rows of the archive's files"),
        ({"archived": 5}, "archived"),
    ],
)
def test_each_difference_is_named(changed: dict[str, int], words: str) -> None:
    account = Account(lines={KEY: counts(**changed)})
    [found] = differences(account)
    assert words in found.what
    assert (found.signal, found.org, found.app, found.at) == ("events", "acme", "shop", HOUR)
    assert verdict.code(account) == 1
    assert "2026-11-22 03:00Z events acme/shop" in verdict.table(account)
    assert json.loads(verdict.as_json(account))["verdict"] == "differ"


def test_a_rollup_that_lacks_rows() -> None:
    account = Account(rollups={RollupKey("traces", "spans_1h", "acme", "shop", HOUR): (6, 4)})
    [found] = differences(account)
    assert (found.signal, found.expected, found.found) == ("traces", 6, 4)


def test_without_an_archive_none_is_reported() -> None:
    assert differences(Account(lines={KEY: counts(files=None, archived=0)})) == []


def test_what_is_under_way_is_not_compared() -> None:
    account = Account(lines={KEY: counts(stored=7)}, under_way=["rows has 3 messages to read"])
    assert verdict.code(account) == 2
    assert "rows has 3 messages" in verdict.table(account)


def test_an_archive_that_lags_is_not_compared() -> None:
    account = Account(lines={KEY: counts(files=0, archived=0)}, archive_under_way=True)
    assert differences(account) == []


def test_a_damaged_file_is_a_difference_whatever_is_under_way() -> None:
    account = Account(under_way=["archive has 1 message to read"], damaged=["part: not there"])
    assert verdict.code(account) == 1
