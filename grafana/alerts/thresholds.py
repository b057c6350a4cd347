"""The table of thresholds (`thresholds.toml`), read and checked."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from grafana.alerts.rule import uid_of
from grafana.dashboards.ask import where
from seamark.service.registry.names import NAME_RULE, is_name

_T = TypeVar("_T")
FILE: Final = Path(__file__).with_name("thresholds.toml")
_Share = Annotated[float, Meta(gt=0, le=1)]
_Positive = Annotated[float, Meta(gt=0)]


class AppThresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one app, or of all that have none of their own."""

    service_error_rate: _Share
    page_error_rate: _Share
    traffic_drop: _Share
    web_vital_worse: Annotated[float, Meta(gt=1)]


class StackThresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of Seamark itself."""

    ingest_p99_seconds: _Positive
    ingest_error_rate: _Share
    dead_letters: _Positive
    behind_seconds: _Positive
    waiting_messages: _Positive
    disk_used: _Share
    active_series: _Positive
    backup_age_hours: _Positive
    certificate_days: _Positive


class Objective(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`target`: the share of calls that have to succeed. No `service`: every one of the app."""

    app: str
    target: float
    service: str = ""

    def __post_init__(self) -> None:
        if not 0.5 <= self.target < 1:
            raise ValueError(f"objective of {self.app}: target {self.target} is not in [0.5, 1)")

    @property
    def budget(self) -> float:
        """The share of calls that may fail."""
        return round(1 - self.target, 9)


class _Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    default: AppThresholds
    stack: StackThresholds
    app: dict[str, dict[str, Any]] = {}
    objective: tuple[Objective, ...] = ()

    def __post_init__(self) -> None:
        for app in (*self.app, *(each.app for each in self.objective)):
            if not is_name(app):
                raise ValueError(f"{app!r} is no name of an app: {NAME_RULE}")


@dataclass(frozen=True, slots=True)
class AppScope:
    """The apps that a rule is about. `app` "": all but those `without`."""

    thresholds: AppThresholds
    app: str = ""
    without: tuple[str, ...] = ()

    def uid(self, name: str) -> str:
        """Of the rule of this name."""
        return uid_of(name, self.app)

    @property
    def title(self) -> str:
        """Behind a rule's title, which is unique in its folder."""
        return f" ({self.app})" if self.app else ""

    @property
    def filters(self) -> list[dict[str, str]]:
        """That leave exactly these apps."""
        if self.app:
            return [where("app", self.app)]
        return [where("app", "|".join(self.without), "!~")] if self.without else []


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The whole table."""

    scopes: tuple[AppScope, ...]
    stack: StackThresholds
    objectives: tuple[Objective, ...]


def read(text: str) -> Thresholds:
    """The table. Raises ValueError naming what is unknown, missing, or out of its range."""
    table = _made(_Written, "thresholds", tomllib.loads(text))
    default = msgspec.structs.asdict(table.default)
    apps = [
        AppScope(_made(AppThresholds, f"thresholds: app.{app}", default | values), app)
        for app, values in sorted(table.app.items())
    ]
    return Thresholds(
        (AppScope(table.default, without=tuple(sorted(table.app))), *apps),
        table.stack,
        table.objective,
    )


def _made(kind: type[_T], name: str, values: object) -> _T:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {error}") from None


TABLE: Final = read(FILE.read_text())
