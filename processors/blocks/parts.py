"""What the streams of one process share."""

import asyncio
from dataclasses import dataclass, field

from processors.blocks.dead_letter_limit import DeadLetterLimits
from processors.blocks.dead_letter_queue import DeadLetterQueue
from processors.blocks.decide import BlockLimits
from processors.blocks.dedup.folder import DedupFolder
from processors.blocks.log import StreamLog
from processors.blocks.pause import NeverPaused, Pauses
from processors.blocks.positions import Positions
from processors.blocks.sink import Sink
from processors.blocks.skip import NoSkips, Skips
from seamark.service.health import Health


@dataclass(frozen=True, slots=True)
class Parts:
    """What the streams of a process share. `slots` bounds the inserts in flight; `dedup` has the
    indexes of dedup, and belongs to this sink and process alone. `stopped_seconds`: how long after
    the dead-letter limit stopped a stream its block is tried again.
    """

    log: StreamLog
    positions: Positions
    dead_letter_queue: DeadLetterQueue
    sink: Sink
    dedup: DedupFolder
    slots: asyncio.Semaphore
    health: Health
    limits: BlockLimits
    buffer_bytes: int
    pauses: Pauses = field(default_factory=NeverPaused)
    skips: Skips = field(default_factory=NoSkips)
    dead_letter_limits: DeadLetterLimits = field(default_factory=DeadLetterLimits)
    standby_seconds: tuple[float, float] = (1.0, 3.0)
    regressed_seconds: float = 30.0
    stopped_seconds: float = 30.0
