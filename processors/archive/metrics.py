"""The archive's own metrics: every one is declared here before it is emitted."""

from typing import Final

from prometheus_client import Counter, Histogram

_SIGNAL: Final = ("signal",)

FILES: Final = Counter("seamark_archive_files", "Files written from blocks of the log.", _SIGNAL)
ROWS: Final = Counter("seamark_archive_rows", "Rows in those files.", _SIGNAL)
BYTES: Final = Counter("seamark_archive_bytes", "Bytes of those files.", _SIGNAL)
ALREADY: Final = Counter(
    "seamark_archive_blocks_already_there",
    "Blocks sent again that the manifest had: their files were left as they are.",
    _SIGNAL,
)
STEP_SECONDS: Final = Histogram(
    "seamark_archive_step_seconds",
    "Time of one step: convert and upload a block, look into or write the manifest, merge files.",
    ("step",),
    buckets=(0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
MERGES: Final = Counter("seamark_archive_merges", "Merged files written.", _SIGNAL)
MERGED_FILES: Final = Counter(
    "seamark_archive_merged_files", "Files that a merged one took the place of.", _SIGNAL
)
MERGED_BYTES: Final = Counter("seamark_archive_merged_bytes", "Bytes of merged files.", _SIGNAL)
DAMAGED: Final = Counter(
    "seamark_archive_damaged_files",
    "Files that are not what the manifest says of them; they are never merged.",
    _SIGNAL,
)
MERGE_FAILURES: Final = Counter(
    "seamark_archive_merge_failures", "Merges that failed and are tried again.", ("reason",)
)
