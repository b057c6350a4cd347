"""The settings of every sink's process; a sink adds its own, and may have other defaults."""

from dataclasses import dataclass

from processors.blocks.dead_letter_limit import DeadLetterLimits
from processors.blocks.decide import BlockLimits
from seamark.service.settings import ProcessSettings, setting

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SinkSettings(ProcessSettings):
    """Routes, blocks, dead letters and buffers."""

    port: int = setting(0, text="Monitor port (`SEAMARK_MONITOR_*`).", minimum=0, maximum=65535)
    state_path: str = setting(
        "",
        text="Folder for the indexes of dedup; of this process alone. It can be lost: it is made "
        "from the log. Empty: made from the log at every start.",
    )
    block_age_seconds: float = setting(
        1.0, unit="s", text="A block is cut when its first message is so old.", minimum=0.01
    )
    block_bytes: int = setting(
        8 * MIB, unit="bytes", text="A block is cut at so many compressed bytes.", minimum=1
    )
    block_weight: int = setting(
        192 * MIB,
        unit="bytes",
        text="A block is cut at so many inflated bytes, each row counting 256 and each attribute "
        "128 more.",
        minimum=1,
    )
    block_messages: int = setting(20_000, text="A block is cut at so many messages.", minimum=1)
    dead_letter_share: float = setting(
        0.01,
        text="Share of the messages of an hour whose frames may be dead-lettered; beyond it the "
        "stream stops and `/readyz` says so. Counted from 100 dead letters on.",
        minimum=0.0,
        maximum=1.0,
    )
    stopped_seconds: float = setting(
        30.0,
        unit="s",
        text="A stream that was stopped is tried again after so long.",
        minimum=0.1,
    )
    dead_letters_per_minute: int = setting(
        1000, text="Frames of one stream dead-lettered in a minute; beyond it it stops.", minimum=0
    )
    buffer_bytes: int = setting(
        24 * MIB,
        unit="bytes",
        text="Messages held per stream: the block being written and those read ahead.",
        minimum=MIB,
    )

    @property
    def dead_letter_limits(self) -> DeadLetterLimits:
        """When a stream stops instead of dead-lettering more."""
        return DeadLetterLimits(self.dead_letter_share, self.dead_letters_per_minute)

    @property
    def limits(self) -> BlockLimits:
        """When blocks are cut."""
        return BlockLimits(
            messages=self.block_messages,
            bytes=self.block_bytes,
            age_seconds=self.block_age_seconds,
            weight=self.block_weight,
        )
