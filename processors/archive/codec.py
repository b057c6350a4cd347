"""The engine's settings: how blocks are read, Parquet is written, and merges stay small. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import seamark.wire
from seamark.wire.insert import INSERT_SETTINGS

_SCHEMA: Final = f"{Path(seamark.wire.__file__).parent / 'envelope.proto'}:Envelope"
_ROW_GROUP_ROWS: Final = 65_536
_ROW_GROUP_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ArchiveCodec:
    """How Parquet pages are compressed: `zstd` with a level, or `snappy`."""

    name: str = "zstd"
    level: int = 3


def making(codec: ArchiveCodec, *, memory_bytes: int) -> Mapping[str, str]:
    """For making files: as the store's inserts, and the shape of Parquet.

    `memory_bytes`: the most that one statement may use; beyond it the block is too heavy.
    """
    return {
        **INSERT_SETTINGS,
        **_parquet(codec),
        "format_schema": _SCHEMA,
        "max_insert_block_size": "512",  # envelopes; each may become a thousand rows
        "min_insert_block_size_rows": "0",
        "min_insert_block_size_bytes": "0",
        "max_memory_usage": str(memory_bytes),
    }


def merging(codec: ArchiveCodec) -> Mapping[str, str]:
    """For merging: one thread, and little read ahead, so that memory is a few row groups."""
    return {
        **_parquet(codec),
        "max_threads": "1",
        "max_insert_threads": "1",
        "max_parsing_threads": "1",
        "max_block_size": "8192",
        "min_insert_block_size_rows": "0",
        "min_insert_block_size_bytes": "0",
        "input_format_parquet_memory_low_watermark": "10000000",
        "input_format_parquet_memory_high_watermark": "40000000",
        "input_format_parquet_allow_missing_columns": "1",
        "engine_file_truncate_on_insert": "1",
    }


def _parquet(codec: ArchiveCodec) -> dict[str, str]:
    return {
        "output_format_parquet_compression_method": codec.name,
        "output_format_compression_level": str(codec.level),
        "output_format_parquet_row_group_size": str(_ROW_GROUP_ROWS),
        "output_format_parquet_row_group_size_bytes": str(_ROW_GROUP_BYTES),
        "output_format_parquet_parallel_encoding": "0",
        "output_format_parquet_string_as_string": "1",
        "output_format_parquet_fixed_string_as_fixed_byte_array": "1",
        "output_format_json_quote_64bit_integers": "0",
        "output_format_json_map_as_array_of_tuples": "0",
        "session_timezone": "UTC",
    }
