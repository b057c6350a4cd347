"""Scenarios: TOML files that say what is sent at once, for how long, and what it may cost."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec


class Stream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One generator. `rate` in items per second; 0 = as fast as it goes."""

    kind: Literal["events", "traces", "logs", "metrics"]
    rate: float
    batch: int = 50
    connections: int = 32
    batch_ids: bool = True
    gzip: bool = False

    def arguments(self) -> list[str]:
        """Its part of the command line of `load.generate`."""
        options = [
            *("--kind", self.kind),
            *("--rate", f"{self.rate:g}" if self.rate else "max"),
            *("--batch", str(self.batch)),
            *("--connections", str(self.connections)),
            "--batch-ids" if self.batch_ids else "--no-batch-ids",
        ]
        return [*options, "--gzip"] if self.gzip else options


class ScenarioBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run may cost; 0 = not looked at. Missing one is reported, it fails nothing."""

    ingest_p95_ms: float = 0
    visible_p95_ms: float = 0
    accepted_per_second: float = 0


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario. `visible`: markers are sent beside the load and waited for in the API."""

    name: str
    text: str
    duration_seconds: float
    warmup_seconds: float = 5.0
    visible: bool = True
    load: list[Stream]
    budget: ScenarioBudget = ScenarioBudget()


def read_scenario(path: Path) -> Scenario:
    """Read one. Raises ValueError naming the file and the field."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), Scenario)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
