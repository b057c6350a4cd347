"""Which files of an hour are to be merged. Pure.

Small files are filled into groups of about `target_bytes`, oldest first. A file that is most of its
group is left out until enough has gathered beside it, so that a trickle of late data does not make
a large file be written again and again: each byte is rewritten a handful of times at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from processors.archive.files import ArchiveFile
from processors.archive.layout import Hour, hour_of, merged_name

MOST_FILES: Final = 500
"""Files in one merge. Their names have to fit a statement and a record in the log."""
_FEW: Final = 16
_MOST_OF: Final = 0.8


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """Make `output` of `inputs`: paths, all in one folder."""

    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True)
class MergeProgress:
    """How far the archive has come in one stream, by the log's clock, ms since the epoch."""

    stream: str
    passed_ms: int


def complete(hour: Hour, progress: Sequence[MergeProgress], *, slack_ms: int) -> bool:
    """Whether every stream of the hour's signal has been read past its end and the slack."""
    return bool(progress) and all(one.passed_ms >= hour.end_ms + slack_ms for one in progress)


def plan(files: Sequence[ArchiveFile], *, target_bytes: int) -> list[Merge]:
    """What to merge of one hour's live files."""
    small = sorted(
        (file for file in files if file.bytes < target_bytes / 2),
        key=lambda file: (file.min_received, file.path),
    )
    groups: list[list[ArchiveFile]] = [[]]
    size = 0
    for file in small:
        if groups[-1] and (size + file.bytes > target_bytes or len(groups[-1]) >= MOST_FILES):
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.bytes
    return [_merge(group) for group in map(_worthwhile, groups) if len(group) > 1]


def _worthwhile(group: list[ArchiveFile]) -> list[ArchiveFile]:
    if not group or len(group) >= _FEW:
        return group
    largest = max(group, key=lambda file: file.bytes)
    if largest.bytes > _MOST_OF * sum(file.bytes for file in group):
        return [file for file in group if file is not largest]
    return group


def _merge(group: Sequence[ArchiveFile]) -> Merge:
    paths = tuple(file.path for file in group)
    return Merge(inputs=paths, output=f"{hour_of(paths[0]).folder}/{merged_name(paths)}")


def by_hour(files: Sequence[ArchiveFile]) -> Mapping[Hour, list[ArchiveFile]]:
    """Files by their folders, oldest first."""
    found: dict[Hour, list[ArchiveFile]] = {}
    for file in files:
        found.setdefault(hour_of(file.path), []).append(file)
    return dict(sorted(found.items(), key=lambda item: (item[0].number, item[0].signal)))
