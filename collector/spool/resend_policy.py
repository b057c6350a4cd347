"""Whether the record at the head of a stream's spool is in the log already. Pure.

    head, what is known  ->  LookUp | Send | Settled

A record whose send went unanswered may be in the log or not, and the log itself remembers ids for
two minutes only. So before it is sent again the stream is asked, from a sequence behind which every
copy of it stands. An unanswered send is looked up, however recent it is. What an earlier process
has left is looked up for the whole stream, since it is unknown how far that process came. And what
is sent again is the same message under the same id, so that one still on its way from a closed
connection, which arrives after the look-up, makes the log drop the other. The log remembers for two
minutes, so a look-up holds for `VALID_SECONDS`; a send after that needs another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from collector.spool.record import SpoolRecord

VALID_SECONDS: Final = 60.0
"""How old a look-up may be when a message is sent, by a clock that never jumps."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Read the ids in the stream behind sequence `after`, then call `ResendPolicy.looked`."""

    after: int


@dataclass(frozen=True, slots=True)
class SendRecord:
    """It is not in the log. Send it, then call `settled` or `failed`."""


@dataclass(frozen=True, slots=True)
class Settled:
    """It is in the log, at `sequence`."""

    sequence: int


@dataclass(slots=True)
class ResendPolicy:
    """The state of one stream's drain. `acked`: the last sequence the log acknowledged of it."""

    acked: int = 0
    _found: dict[str, int] = field(default_factory=dict)
    _left_by: str = ""
    """The folder whose records have been looked up."""
    _left_at: float = 0.0
    """When that was."""
    _indeterminate: str = ""
    """The record of which a send went unanswered."""
    _fresh: str = ""
    """The record that was looked up and not tried since."""
    _fresh_at: float = 0.0
    """When that was."""

    def decide(
        self, head: SpoolRecord, *, left_by: str, left_at: int, now: float
    ) -> LookUp | SendRecord | Settled:
        """What to do with `head`, at `now` (monotonic seconds).

        `left_by` names the folder that an earlier process left it in, "" for one spooled by this
        process; `left_at` is the last sequence that process noted for this stream, 0 for none.
        """
        ident = head.message_id
        if (sequence := self._found.get(ident)) is not None:
            return Settled(sequence)
        if left_by and (left_by != self._left_by or now - self._left_at > VALID_SECONDS):
            return LookUp(max(left_at, head.floor))
        spooled_indeterminate = head.tried and not left_by
        fresh = self._fresh == ident and now - self._fresh_at <= VALID_SECONDS
        if (spooled_indeterminate or self._indeterminate == ident) and not fresh:
            return LookUp(head.floor if spooled_indeterminate else max(head.floor, self.acked))
        return SendRecord()

    def looked(
        self, head: SpoolRecord, found: Mapping[str, int], *, left_by: str, asked_at: float
    ) -> None:
        """The answer to LookUp: sequences of our ids that the stream holds behind `after`.

        `asked_at`: when the question was put, as `now` of `decide`.
        """
        self._found.update(found)
        if left_by:
            self._left_by, self._left_at = left_by, asked_at
        self._fresh, self._fresh_at = head.message_id, asked_at

    def failed(self, head: SpoolRecord, *, left_by: str, indeterminate: bool) -> None:
        """A send of `head` was not acknowledged; `indeterminate`: it may be in the log.

        A look-up made before does not hold any more for a record that was ever indeterminate: an
        earlier send may have arrived since.
        """
        self._fresh = ""
        if indeterminate or left_by:
            self._indeterminate = head.message_id

    def settled(self, message_id: str, sequence: int) -> None:
        """The log has this message, at `sequence`."""
        self._found.pop(message_id, None)
        self.acked = sequence
