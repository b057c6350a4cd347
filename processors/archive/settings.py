"""SEAMARK_ARCHIVE_*."""

from dataclasses import dataclass

from processors.archive.codec import ArchiveCodec
from processors.archive.objects import BucketAccess
from processors.settings import MIB, SinkSettings
from seamark.service.settings import setting, with_default


@dataclass(frozen=True, slots=True)
class ArchiveSettings(SinkSettings):
    """SEAMARK_ARCHIVE_*: the processor that carries the log into Parquet files."""

    port: int = with_default(SinkSettings, "port", 4322)
    block_age_seconds: float = with_default(SinkSettings, "block_age_seconds", 60.0)
    block_bytes: int = with_default(SinkSettings, "block_bytes", 16 * MIB)
    block_weight: int = with_default(SinkSettings, "block_weight", 384 * MIB)
    block_messages: int = with_default(SinkSettings, "block_messages", 50_000)
    state_path: str = setting(
        "data/dedup/archive",
        text="Folder for the indexes of dedup, and for files being made.",
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
    writes: int = setting(
        2, text="Blocks being written at a time; they are converted one by one.", minimum=1
    )
    engine_bytes: int = setting(
        2048 * MIB,
        unit="bytes",
        text="Memory that converting one block may take in the engine; a block that takes more is "
        "split, and a frame that does so alone is dead-lettered.",
        minimum=64 * MIB,
    )
    store_timeout_seconds: float = setting(
        60.0, unit="s", text="Longest wait for the store's answer about the manifest.", minimum=0.1
    )
    merge_bytes: int = setting(
        512 * MIB,
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
