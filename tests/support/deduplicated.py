"""What a sink is given of messages, once duplicates are removed."""

from collections.abc import Iterable, Sequence
from typing import Any

from processors.blocks.dedup.index import DedupIndex, IndexProgress
from processors.blocks.dedup.rewrite import dedup_block
from processors.blocks.nats_frames import NatsMessage
from seamark.wire.positions import Position
from seamark.wire.signals import Signal
from tests.support.envelopes import read_payload


def deduplicated(
    streams: Iterable[Sequence[NatsMessage]], *, signal: Signal, block: int
) -> list[Any]:
    """Every envelope of the streams, each read in blocks of so many messages, by one index each."""
    found = []
    for messages in streams:
        index = DedupIndex("")
        index.begin(IndexProgress(0, 0, 0, 0))
        for start in range(0, len(messages), block):
            part = messages[start : start + block]
            position = Position(start, start + len(part), "t")
            for message in dedup_block(index, part, signal=signal, position=position).messages:
                found += read_payload(message.payload)
        index.close()
    return found
