"""Every setting of every service, gathered for `seamark settings` and `docs/settings.md`.

A service's dataclass of settings is listed here once, with its prefix; a test finds those that
are not. The classes are imported when asked for, so that listing them costs the command nothing.
"""

import dataclasses
import importlib
from dataclasses import dataclass
from typing import Final

from seamark.service.settings import Described, describe


@dataclass(frozen=True, slots=True)
class Section:
    """A settings dataclass: where it is, what its variables begin with, and who reads it."""

    title: str
    prefix: str
    module: str
    name: str

    @property
    def settings(self) -> type:
        """The dataclass itself; imports its module."""
        found: type = getattr(importlib.import_module(self.module), self.name)
        return found


SECTIONS: Final = (
    Section("Log (NATS JetStream)", "SEAMARK_LOG", "seamark.service.connections", "LogSettings"),
    Section("Store (ClickHouse)", "SEAMARK_STORE", "seamark.service.connections", "StoreSettings"),
    Section("Cache (Redis)", "SEAMARK_CACHE", "seamark.service.connections", "CacheSettings"),
    Section("Collector", "SEAMARK_COLLECTOR", "collector.settings", "CollectorSettings"),
    Section("Limits of tenants", "SEAMARK_LIMIT", "collector.limiting.settings", "LimitSettings"),
    Section("Processor of rows", "SEAMARK_ROWS", "processors.rows.settings", "RowsSettings"),
    Section(
        "Processor of the archive",
        "SEAMARK_ARCHIVE",
        "processors.archive.settings",
        "ArchiveSettings",
    ),
    Section("API", "SEAMARK_API", "api.settings", "ApiSettings"),
    Section("Exports", "SEAMARK_EXPORT", "api.exports.settings", "ExportSettings"),
    Section("Provisioning", "SEAMARK_PROVISION", "provisioning.settings", "ProvisionSettings"),
    Section(
        "Monitor port of every process",
        "SEAMARK_MONITOR",
        "seamark.service.monitor.settings",
        "MonitorSettings",
    ),
    Section(
        "Own metrics",
        "SEAMARK_OWN_METRICS",
        "seamark.service.own_telemetry.settings",
        "OwnMetricsSettings",
    ),
    Section(
        "Embedded store",
        "SEAMARK_STORE_SERVER",
        "seamark.standalone.store.settings",
        "StoreServerSettings",
    ),
)
_COMPUTED: Final = {"SEAMARK_COLLECTOR_PROCESSES": "half the CPUs"}
"""Defaults that depend on the machine, in words."""
_INTRODUCTION: Final = """\
# Settings

Every process reads its settings from environment variables and from nowhere else. What is wrong is
reported at start, all at once, and a process whose settings are wrong exits with code 2. `seamark
up` sets the addresses, passwords and folders of the parts it starts; every other variable given to
it reaches them. A setting whose default is `(secret)` may stand in a file instead: `<NAME>_FILE`
names it.

Written by `seamark settings --markdown`; a test keeps it true.
"""


def rows() -> list[tuple[Section, list[Described]]]:
    """The sections with their settings. Imports every service's settings module."""
    return [
        (
            section,
            [
                dataclasses.replace(row, default=_COMPUTED.get(row.name, row.default))
                for row in describe(section.settings, prefix=section.prefix)
            ],
        )
        for section in SECTIONS
    ]


def markdown() -> str:
    """`docs/settings.md` as it should be."""
    blocks = [_INTRODUCTION]
    for section, settings in rows():
        lines = [f"## {section.title}", "", "| variable | default | unit | |", "|---|---|---|---|"]
        lines += [
            f"| `{row.name}` | {_code(row.default)} | {row.unit} | {_cell(row.text)} |"
            for row in settings
        ]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def plain() -> str:
    """The same for a terminal."""
    lines: list[str] = []
    for section, settings in rows():
        lines += ["", section.title]
        for row in settings:
            default = " ".join(filter(None, (row.default, row.unit)))
            lines += [f"  {row.name}" + (f" = {default}" if default else ""), f"      {row.text}"]
    return "\n".join(lines[1:])


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
