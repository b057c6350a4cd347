"""What a merged file says of itself is the sum of what its inputs said."""

import json

from hypothesis import given
from hypothesis import strategies as st

from processors.archive.files import (
    LEDGER_KEYS,
    Count,
    Facts,
    ledger_of,
    merge_counts,
    merge_ledgers,
)

ROWS = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from(["a", "b"]) for name in LEDGER_KEYS}
        | {"accepted": st.integers(0, 9)}
        | {"rejected": st.dictionaries(st.sampled_from(["x", "y"]), st.integers(1, 9))}
    ),
    max_size=8,
)


@given(ROWS, ROWS)
def test_ledgers_are_summed_in_any_grouping(left: list, right: list) -> None:  # type: ignore[type-arg]
    whole = merge_ledgers([*left, *right])
    assert merge_ledgers([*merge_ledgers(left), *merge_ledgers(right)]) == whole
    assert sum(row["accepted"] for row in whole) == sum(row["accepted"] for row in [*left, *right])
    assert sum(sum(row["rejected"].values()) for row in whole) == sum(
        sum(row["rejected"].values()) for row in [*left, *right]
    )
    keys = [tuple(row[name] for name in LEDGER_KEYS) for row in whole]
    assert len(set(keys)) == len(keys)


def test_a_column_that_one_side_lacks_counts_as_nothing() -> None:
    keys = dict.fromkeys(LEDGER_KEYS, "a")
    merged = merge_ledgers([keys | {"accepted": 1}, keys | {"duplicate": 2}])
    assert merged == [keys | {"accepted": 1, "duplicate": 2}]


def test_counts_are_summed_by_key() -> None:
    merged = merge_counts(
        [Count("o", "b", 60, "k", 1), Count("o", "a", 60, "k", 2), Count("o", "b", 60, "k", 3)]
    )
    assert merged == (Count("o", "a", 60, "k", 2), Count("o", "b", 60, "k", 4))


def test_facts_are_text_and_the_ledger_comes_back() -> None:
    ledger = [{"org": "ö", "accepted": 3}]
    facts = Facts(rows=3, min_received=1, max_received=2, ledger=ledger, stream="S")
    metadata = facts.metadata()
    assert metadata["seamark.rows"] == "3"
    assert "seamark.replaces" not in metadata
    assert ledger_of(metadata) == ledger
    assert json.loads(
        Facts(rows=0, min_received=0, max_received=0, ledger=[], replaces=["a", "b"]).metadata()[
            "seamark.replaces"
        ]
    ) == ["a", "b"]
