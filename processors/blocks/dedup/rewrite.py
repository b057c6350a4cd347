"""A block as its sink gets it: new frames as they were, duplicates counted instead of stored, and
events whose ids were used for other content as dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from processors.blocks.dedup.index import DedupIndex
from processors.blocks.dedup.keys import keys_of
from processors.blocks.dedup.repeats import FrameRepeats, Use, find_repeats
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.pieces import joined
from seamark.wire.frames import cut
from seamark.wire.positions import Position
from seamark.wire.reading import EnvelopeReader, UnreadableEnvelope
from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class DedupedBlock:
    """The messages of a block. `frames` and `events` of it were duplicates; `reused` events had an
    id of their own, or of their batch, that was used before for other content."""

    messages: Sequence[NatsMessage]
    frames: int = 0
    events: int = 0
    reused: int = 0


def dedup_block(
    index: DedupIndex, messages: Sequence[NatsMessage], *, signal: Signal, position: Position
) -> DedupedBlock:
    """The messages of the block that `position` names, whose keys the index records.

    The same for the same block, however often it is called. Blocks. Raises DedupIndexUnavailable.
    """
    reader = EnvelopeReader()
    keys = [keys_of(message, reader) for message in messages]
    earlier = index.look_up(
        (fact for message in keys for fact in message.facts()),
        done=position.done,
        through=position.end,
        last=messages[-1].sequence,
        last_ns=messages[-1].stored_ns,
    )
    repeats = find_repeats(keys, earlier, window_ns=index.window_ns)
    by_message: dict[int, dict[int, FrameRepeats]] = {}
    for (at, frame), found in repeats.items():
        by_message.setdefault(at, {})[frame] = found
    block = DedupedBlock(messages)
    if not by_message:
        return block
    rewritten = list(messages)
    for at, of_frames in by_message.items():
        one = _rewritten(messages[at], of_frames, reader=reader, signal=signal)
        rewritten[at] = one.messages[0]
        block = replace(
            block,
            frames=block.frames + one.frames,
            events=block.events + one.events,
            reused=block.reused + one.reused,
        )
    return replace(block, messages=rewritten)


def _rewritten(
    message: NatsMessage,
    repeats: Mapping[int, FrameRepeats],
    *,
    reader: EnvelopeReader,
    signal: Signal,
) -> DedupedBlock:
    """One message without its repeats. Frames that cannot be read stay as they are."""
    try:
        pieces = cut(message.payload, message.frames)
    except ValueError:  # lengths that do not fit the payload: stored twice rather than not at all
        return DedupedBlock([message])
    frames = events = reused = 0
    for index, found in repeats.items():
        try:
            envelope = reader.open(pieces[index])
            outcome = envelope.outcome
            if found.frame is Use.DUPLICATE:
                # rejected requests were counted by the first; a retry was offered again
                outcome = replace(outcome, duplicate=outcome.accepted, request_rejections={})
                pieces[index] = envelope.counting(outcome, signal=signal)
                frames += 1
                continue
            pieces[index] = envelope.without_events(
                found.duplicates, reused=found.reused, reused_batch=found.frame is Use.REUSED
            )
            events += len(found.duplicates)
            rewritten = reader.open(pieces[index]).outcome
            reused += rewritten.dead_lettered - outcome.dead_lettered
        except UnreadableEnvelope:
            continue
    return DedupedBlock([joined(message, pieces)], frames, events, reused)
