"""A batch whose events have ids of their own, cut so that each goes to the partition of its id.

Events with the same id are therefore in one stream, whose readers drop all but the first. An event
without an id goes to the partition of the batch. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from collector.admission.native.event import Event
from seamark.wire.envelope import Outcome

_encode: Final = msgspec.json.Encoder(order="deterministic").encode  # one content, one digest


@dataclass(frozen=True, slots=True)
class Piece:
    """What one partition gets of a batch. `event_ids`: some of its events have ids."""

    partition: int
    body: bytes
    outcome: Outcome
    event_ids: bool


def split(
    events: Sequence[Event], *, outcome: Outcome, home: int, partition_of: Callable[[str], int]
) -> list[Piece]:
    """The pieces of a batch: at most one for each partition, at least one, events in their order.

    `events` are those accepted, `outcome` is that of the whole batch, `home` is where events
    without an id go. Everything that was not accepted is counted in the first piece (that of `home`
    where there is one), so the outcomes of the pieces add up to that of the batch, whose parts they
    are.
    """
    groups: dict[int, list[Event]] = {}
    identified: set[int] = set()
    for event in events:
        partition = home
        if event.id:
            partition = partition_of(event.id)
            identified.add(partition)
        groups.setdefault(partition, []).append(event)
    order = sorted(groups, key=lambda partition: partition != home) or [home]
    pieces: list[Piece] = []
    for partition in order:
        group = groups.get(partition, [])
        own = Outcome(len(group), len(group), part=len(pieces))
        if not pieces:
            own = Outcome(
                offered=outcome.offered - outcome.accepted + len(group),
                accepted=len(group),
                rejected=outcome.rejected,
                sampled=outcome.sampled,
                limited=outcome.limited,
            )
        pieces.append(Piece(partition, _encode(group), own, partition in identified))
    return pieces
