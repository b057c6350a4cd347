"""Counts of items by their outcome, as the ledger and receipts hold them."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec


class OutcomeCounts(msgspec.Struct, frozen=True, rename="camel"):
    """Counts of items. `offered` is the sum of accepted, rejected, sampled and limited."""

    offered: int
    accepted: int
    rejected: dict[str, int]
    sampled: int
    limited: int
    duplicate: int
    dead_lettered: int


C = TypeVar("C", bound=OutcomeCounts)


def added(kind: type[C], rows: Iterable[C]) -> dict[str, Any]:
    """The fields of `kind`, added up over the rows: numbers, and numbers by reason."""
    every = list(rows)
    return {
        field.name: _total(
            [getattr(row, field.name) for row in every], of_maps=field.type is not int
        )
        for field in msgspec.structs.fields(kind)
    }


def _total(values: list[Any], *, of_maps: bool) -> int | dict[str, int]:
    if not of_maps:
        return int(sum(values))
    found: dict[str, int] = {}
    for counts in values:
        for reason, count in counts.items():
            found[reason] = found.get(reason, 0) + count
    return found
