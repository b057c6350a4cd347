"""Which events go into one batch."""

from collections.abc import Sequence
from typing import NamedTuple


class Cut(NamedTuple):
    """Events by index: those of each batch, and those no batch can hold."""

    batches: list[list[int]]
    too_large: list[int]


def cut(sizes: Sequence[int], *, most_events: int, most_bytes: int, hard_bytes: int) -> Cut:
    """Batches of events, in their order; `sizes` are the bytes of each event's JSON.

    A batch has at most `most_events`, and with the commas between them at most `most_bytes`, but an
    event above that travels alone; one above `hard_bytes` travels not at all.
    """
    batches: list[list[int]] = []
    too_large: list[int] = []
    room = -1
    for index, size in enumerate(sizes):
        if size > hard_bytes:
            too_large.append(index)
            continue
        if not batches or len(batches[-1]) >= most_events or size + 1 > room:
            batches.append([])
            room = most_bytes + 1
        batches[-1].append(index)
        room -= size + 1
    return Cut(batches, too_large)


def halves(count: int) -> tuple[int, int]:
    """How many events each half of a batch has that was too large (413): the first has more."""
    return count - count // 2, count // 2
