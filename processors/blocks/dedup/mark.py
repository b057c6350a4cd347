"""A block as its sink gets it: what is new as it was, what stood in the log before only counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from processors.blocks.dedup.index import SeenIndex
from processors.blocks.dedup.verdict import Verdict, marked, verdicts
from processors.blocks.nats_frames import Message
from processors.blocks.pieces import joined
from seamark.wire.frames import cut
from seamark.wire.positions import Position
from seamark.wire.reading import EnvelopeReader, Unreadable
from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class Judged:
    """The messages of a block, and how many frames and events of it were duplicates."""

    messages: Sequence[Message]
    frames: int = 0
    events: int = 0


def judge(
    index: SeenIndex, messages: Sequence[Message], *, signal: Signal, position: Position
) -> Judged:
    """The messages of the block that `position` names, and the index taught about them.

    The same for the same block, however often it is asked. Blocks. Raises SeenUnavailable.
    """
    reader = EnvelopeReader()
    block = [marked(message, reader) for message in messages]
    before = index.judge(
        (fact for message in block for fact in message.facts()),
        done=position.done,
        through=position.end,
        last=messages[-1].sequence,
        last_ns=messages[-1].stored_ns,
    )
    found = verdicts(block, before, window_ns=index.window_ns)
    judged = Judged(messages)
    by_message: dict[int, dict[int, Verdict]] = {}
    for (at, frame), verdict in found.items():
        by_message.setdefault(at, {})[frame] = verdict
    if not by_message:
        return judged
    rewritten = list(messages)
    for at, of_frames in by_message.items():
        one = _rewritten(messages[at], of_frames, reader=reader, signal=signal)
        rewritten[at] = one.messages[0]
        judged = replace(
            judged, frames=judged.frames + one.frames, events=judged.events + one.events
        )
    return replace(judged, messages=rewritten)


def _rewritten(
    message: Message,
    found: Mapping[int, Verdict],
    *,
    reader: EnvelopeReader,
    signal: Signal,
) -> Judged:
    """One message with its duplicates taken out. Frames that cannot be read stay as they are."""
    try:
        pieces = cut(message.payload, message.frames)
    except ValueError:  # lengths that do not fit the payload: better twice than not at all
        return Judged([message])
    frames = events = 0
    for index, verdict in found.items():
        try:
            envelope = reader.open(pieces[index])
            if verdict.retry:
                outcome = envelope.outcome
                # requests that were refused were counted by the first; a retry was offered again
                outcome = replace(outcome, duplicate=outcome.accepted, request_rejections={})
                pieces[index] = envelope.counting(outcome, signal=signal)
                frames += 1
            else:
                pieces[index] = envelope.without_events(verdict.events)
                events += len(verdict.events)
        except Unreadable:
            continue
    return Judged([joined(message, pieces)], frames, events)
