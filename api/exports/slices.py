"""A range cut into slices of about equally many rows. Pure.

Law: slices lie end to end and together are the range, whatever was counted: so no row is in two,
and none in none.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slice:
    """`since_ms` <= time < `until_ms`, and how many rows were counted there."""

    since_ms: int
    until_ms: int
    rows: int

    def halves(self) -> list["Slice"]:
        """Two slices in its place; itself alone when a millisecond is all it is."""
        middle = (self.since_ms + self.until_ms) // 2
        if middle == self.since_ms:
            return [self]
        return [
            Slice(self.since_ms, middle, self.rows // 2),
            Slice(middle, self.until_ms, self.rows - self.rows // 2),
        ]


def stretch_ms(since_ms: int, until_ms: int, *, most: int = 10_000) -> int:
    """Length of the stretches to count in, whole milliseconds: at most `most` of them."""
    return max(1, -(-(until_ms - since_ms) // most))


def cut(
    counts: Sequence[tuple[int, int]], *, since_ms: int, until_ms: int, width_ms: int, most: int
) -> list[Slice]:
    """Slices of a range. `counts`: (number of the stretch of `width_ms`, its rows), in order.

    A slice has at most `most` rows, unless a stretch alone has more: that one is cut evenly.
    """
    made: list[Slice] = []
    begun, held = since_ms, 0
    for stretch, rows in counts:
        first = since_ms + stretch * width_ms
        last = min(first + width_ms, until_ms)
        if held and held + rows > most:
            made.append(Slice(begun, first, held))
            begun, held = first, 0
        if rows > most:
            made += _evenly(begun, last, rows, pieces=-(-rows // most))
            begun = last
        else:
            held += rows
    if begun < until_ms:
        made.append(Slice(begun, until_ms, held))
    return made


def _evenly(since_ms: int, until_ms: int, rows: int, *, pieces: int) -> list[Slice]:
    pieces = min(pieces, until_ms - since_ms)
    ends = [since_ms + (until_ms - since_ms) * place // pieces for place in range(pieces + 1)]
    shares = [rows * place // pieces for place in range(pieces + 1)]
    return [
        Slice(ends[place], ends[place + 1], shares[place + 1] - shares[place])
        for place in range(pieces)
    ]
