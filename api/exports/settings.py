"""SEAMARK_EXPORT_*: where exports are kept, and what they may cost."""

from dataclasses import dataclass

from seamark.service.settings import setting

_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Folder and limits of `POST /v1/query/export`."""

    path: str = setting(
        "",
        text="Folder for exports, of every API process of this machine; empty: no exports. "
        "It has to outlive the process.",
    )
    concurrent: int = setting(2, text="Exports that one API process makes at a time.", minimum=1)
    org_exports: int = setting(
        4, text="Exports of one org that may be queued or running; more are refused.", minimum=1
    )
    rows: int = setting(50_000_000, unit="rows", text="Most rows of one export.", minimum=1)
    file_bytes: int = setting(4 * _GIB, unit="bytes", text="Largest export.", minimum=1)
    total_bytes: int = setting(
        20 * _GIB, unit="bytes", text="All exports in the folder together; then none is begun."
    )
    disk_keep_bytes: int = setting(
        _GIB, unit="bytes", text="Left free on the folder's disk; with less, no export is made."
    )
    keep_seconds: float = setting(
        86400.0, unit="s", text="How long an export is kept when it is over.", minimum=1
    )
    slice_rows: int = setting(
        100_000, unit="rows", text="Rows that the store is asked for at a time.", minimum=1
    )
    memory_bytes: int = setting(
        _GIB, unit="bytes", text="Most memory for one slice, in the store or the archive's reader."
    )
    slice_seconds: float = setting(
        300.0, unit="s", text="Longest time for one slice in the store.", minimum=1
    )
