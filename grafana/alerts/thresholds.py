"""The table of thresholds (`thresholds.toml`), read and checked."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from grafana.dashboards.ask import where

_T = TypeVar("_T")
FILE: Final = Path(__file__).with_name("thresholds.toml")


@dataclass(frozen=True, slots=True)
class AppThresholds:
    """Of one app, or of all that have none of their own."""

    service_error_rate: float
    page_error_rate: float
    traffic_drop: float
    web_vital_worse: float


@dataclass(frozen=True, slots=True)
class StackThresholds:
    """Of Seamark itself."""

    ingest_p99_seconds: float
    ingest_error_rate: float
    dead_letters: float
    behind_seconds: float
    waiting_messages: float
    disk_used: float
    active_series: float
    backup_age_hours: float
    certificate_days: float


@dataclass(frozen=True, slots=True)
class Objective:
    """`target`: the share of calls that have to succeed. No `service`: every one of the app."""

    app: str
    target: float
    service: str = ""

    @property
    def budget(self) -> float:
        """The share of calls that may fail."""
        return round(1 - self.target, 9)


@dataclass(frozen=True, slots=True)
class AppScope:
    """Whom a rule with thresholds of its own is about. `app` "": all but those `without`."""

    thresholds: AppThresholds
    app: str = ""
    without: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """Of a rule's uid."""
        return f"-{self.app}" if self.app else ""

    @property
    def title(self) -> str:
        """Behind a rule's title, which is unique in its folder."""
        return f" ({self.app})" if self.app else ""

    @property
    def filters(self) -> list[dict[str, str]]:
        """That leave exactly these apps."""
        if self.app:
            return [where("app", self.app)]
        return [where("app", "|".join(map(_literal, self.without)), "!~")] if self.without else []


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The whole table."""

    scopes: tuple[AppScope, ...]
    stack: StackThresholds
    objectives: tuple[Objective, ...]


def read(text: str) -> Thresholds:
    """The table. Raises ValueError naming what is unknown or missing, or no share."""
    table = tomllib.loads(text)
    if unknown := table.keys() - {"default", "app", "objective", "stack"}:
        raise ValueError(f"thresholds: unknown {', '.join(sorted(unknown))}")
    default = _made(AppThresholds, "default", table["default"])
    own: Mapping[str, Mapping[str, Any]] = table.get("app", {})
    apps = [
        AppScope(_made(AppThresholds, f"app.{app}", table["default"] | values), app)
        for app, values in sorted(own.items())
    ]
    objectives = tuple(
        _made(Objective, "objective", {"service": ""} | each) for each in table.get("objective", [])
    )
    for each in objectives:
        if not 0.5 <= each.target < 1:
            raise ValueError(f"objective of {each.app}: target {each.target} is not in [0.5, 1)")
    return Thresholds(
        (AppScope(default, without=tuple(sorted(own))), *apps),
        _made(StackThresholds, "stack", table["stack"]),
        objectives,
    )


def _made(kind: type[_T], name: str, values: Mapping[str, Any]) -> _T:
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if wrong := fields ^ values.keys():
        raise ValueError(f"thresholds: {name}: missing or unknown {', '.join(sorted(wrong))}")
    return kind(**values)


def _literal(app: str) -> str:
    """An app's name in a pattern. Names are letters, digits and `._-`; only the dot means more."""
    return app.replace(".", r"\.")


TABLE: Final = read(FILE.read_text())
