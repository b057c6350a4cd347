"""SEAMARK_ARCHIVE_*."""

from dataclasses import dataclass

from processors.archive.codec import ArchiveCodec
from processors.archive.objects import BucketAccess
from processors.blocks.dead_letter_limit import DeadLetterLimits
from processors.blocks.decide import BlockLimits
from seamark.service.settings import setting

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """SEAMARK_ARCHIVE_*: the processor that carries the log into Parquet files."""

    port: int = setting(4322, text="Monitor port (`SEAMARK_MONITOR_*`).", minimum=0, maximum=65535)
    log_level: str = setting(
        "info", text="Least severe log line.", choices=("debug", "info", "warning", "error")
    )
    nice: int = setting(
        5,
        text="Niceness of this process, as for nice(1): on a busy machine it may fall behind, the "
        "collector and the store may not.",
        minimum=0,
        maximum=19,
    )
    url: str = setting(
        "data/archive", text="Where the files go: a folder, or `s3://bucket/prefix`."
    )
    state_path: str = setting(
        "data/seen/archive",
        text="Folder for the indexes of dedup, and for files being made.",
    )
    s3_endpoint: str = setting(
        "", text="Address of an S3 that is not Amazon's, as `https://host:port`; empty for Amazon."
    )
    s3_region: str = setting("", text="Region of the bucket; empty for the default.")
    s3_key: str = setting("", text="Access key of the bucket; empty for the machine's own.")
    s3_secret: str = setting("", text="Secret that goes with the access key.", secret=True)
    s3_tls_ca: str = setting("", text="CA file for https to that S3; empty for the system's.")
    s3_timeout_seconds: float = setting(
        30.0, unit="s", text="Longest wait for an answer to one S3 request.", minimum=0.5
    )
    compression: str = setting("zstd", text="Codec of the files.", choices=("zstd", "snappy"))
    compression_level: int = setting(3, text="Level of zstd.", minimum=1, maximum=19)
    block_age_seconds: float = setting(
        60.0, unit="s", text="A block is cut when its first message is so old.", minimum=0.01
    )
    block_bytes: int = setting(
        16 * _MIB, unit="bytes", text="A block is cut at so many compressed bytes.", minimum=1
    )
    block_weight: int = setting(
        384 * _MIB,
        unit="bytes",
        text="A block is cut at so many inflated bytes, each row counting 256 and each attribute "
        "128 more.",
        minimum=1,
    )
    block_messages: int = setting(50_000, text="A block is cut at so many messages.", minimum=1)
    dead_letter_share: float = setting(
        0.01,
        text="Share of the messages of an hour whose frames may be dead-lettered; beyond it the "
        "stream stops and `/readyz` says so. Counted from 100 dead letters on.",
        minimum=0.0,
        maximum=1.0,
    )
    dead_letters_per_minute: int = setting(
        1000, text="Frames of one stream dead-lettered in a minute; beyond it it stops.", minimum=0
    )
    buffer_bytes: int = setting(
        24 * _MIB,
        unit="bytes",
        text="Messages held per stream: the block being written and those read ahead.",
        minimum=_MIB,
    )
    writes: int = setting(
        2, text="Blocks being written at a time; they are converted one by one.", minimum=1
    )
    engine_bytes: int = setting(
        2048 * _MIB,
        unit="bytes",
        text="Memory that converting one block may take in the engine; a block that takes more is "
        "split, and a frame that does so alone is dead-lettered.",
        minimum=64 * _MIB,
    )
    store_timeout_seconds: float = setting(
        60.0, unit="s", text="Longest wait for the store's answer about the manifest.", minimum=0.1
    )
    merge_bytes: int = setting(
        512 * _MIB,
        unit="bytes",
        text="Small files of an hour are merged into ones of about this size; 0: never.",
        minimum=0,
    )
    merge_after_seconds: float = setting(
        900.0,
        unit="s",
        text="How long after its end an hour is merged, by the clock of the log.",
        minimum=0,
    )
    merge_every_seconds: float = setting(
        60.0, unit="s", text="How often it is looked what there is to merge.", minimum=0.1
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

    @property
    def codec(self) -> ArchiveCodec:
        """How files are compressed."""
        return ArchiveCodec(self.compression, self.compression_level)

    @property
    def access(self) -> BucketAccess:
        """How a bucket is reached."""
        return BucketAccess(
            endpoint=self.s3_endpoint,
            region=self.s3_region,
            key=self.s3_key,
            secret=self.s3_secret,
            timeout_seconds=self.s3_timeout_seconds,
            tls_ca=self.s3_tls_ca,
        )
