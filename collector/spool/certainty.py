"""Whether the record at the head of a stream's spool is in the log already. Pure.

    head, what is known  ->  LookUp | Send | Settled

A record whose send went unanswered may be in the log or not, and the log itself remembers ids for
two minutes only. So before it is sent again the stream is asked, from a sequence behind which every
copy of it stands. No clock is read: an unanswered send is looked up, however short ago it was. What
a publisher that is gone has left is looked up once for each stream, since nobody knows how far it
came. And what is sent again is the same message under the same id, so that one still on its way
from a dead connection is dropped by the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from collector.spool.record import Record


@dataclass(frozen=True, slots=True)
class LookUp:
    """Read the ids in the stream behind sequence `after`, then call `Certainty.looked`."""

    after: int


@dataclass(frozen=True, slots=True)
class Send:
    """It is not in the log. Send it, then call `settled` or `failed`."""


@dataclass(frozen=True, slots=True)
class Settled:
    """It is in the log, at `sequence`."""

    sequence: int


@dataclass(slots=True)
class Certainty:
    """What one stream's drain knows. `acked`: the last sequence the log acknowledged of it."""

    acked: int = 0
    _found: dict[str, int] = field(default_factory=dict)
    _left_by: str = ""
    """The folder whose records have been looked up."""
    _unsure: str = ""
    """The record of which a send went unanswered."""
    _fresh: str = ""
    """The record that was looked up and not tried since."""

    def decide(self, head: Record, *, left_by: str, left_at: int) -> LookUp | Send | Settled:
        """What to do with `head`.

        `left_by` names the folder that an earlier process left it in, "" for one spooled by this
        process; `left_at` is the last sequence that process noted for this stream, 0 for none.
        """
        ident = head.message_id
        if (sequence := self._found.get(ident)) is not None:
            return Settled(sequence)
        if left_by and left_by != self._left_by:
            return LookUp(max(left_at, head.floor))
        spooled_unsure = head.tried and not left_by
        if (spooled_unsure or self._unsure == ident) and self._fresh != ident:
            return LookUp(head.floor if spooled_unsure else max(head.floor, self.acked))
        return Send()

    def looked(self, head: Record, found: Mapping[str, int], *, left_by: str) -> None:
        """The answer to LookUp: sequences of our ids that the stream holds behind `after`."""
        self._found.update(found)
        self._left_by = left_by or self._left_by
        self._fresh = head.message_id

    def failed(self, head: Record, *, left_by: str, unsure: bool) -> None:
        """A send of `head` was not acknowledged; `unsure`: it may be in the log all the same.

        What was looked up before is no answer any more for a record that was ever unsure: its
        earlier try may have arrived since.
        """
        self._fresh = ""
        if unsure or left_by:
            self._unsure = head.message_id

    def settled(self, message_id: str, sequence: int) -> None:
        """The log has this message, at `sequence`."""
        self._found.pop(message_id, None)
        self.acked = sequence
