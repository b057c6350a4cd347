"""Evaluates a provisioned alert rule as Grafana's server-side expressions do, on real answers.

Only what our rules use: reduce (dropNN, replaceNN), resample (sum, fillna), math over numbers and
series, and threshold with its recovery. What is no data stays no data. https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/expression-queries/
"""

import math
import re
import statistics
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.support.grafana_asking import Series, series_of

Key = tuple[tuple[str, str], ...]
Numbers = dict[Key, float]
"""Labels -> value."""
_REDUCERS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "median": statistics.median,
    "last": lambda values: values[-1],
}
_FILE = Path(__file__).parents[2] / "provisioning" / "grafana" / "alerting" / "rules.yaml"
RULES: dict[str, dict[str, Any]] = {
    rule["uid"].removeprefix("seamark-"): rule
    for group in yaml.safe_load(_FILE.read_text())["groups"]
    for rule in group["rules"]
}
"""The committed rules by uid, without `seamark-`."""


class Asked(Protocol):
    """What answers the questions of a rule: the API."""

    def ask(self, model: dict[str, Any], from_ms: int, to_ms: int) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Outcome:
    """Which label sets fire, and every step's numbers. `no_data`: the condition had none."""

    firing: list[dict[str, str]]
    values: dict[str, Numbers]
    no_data: bool

    def of(self, step: str, **labels: str) -> float:
        """The number of a step for these labels (others do not matter)."""
        (found,) = [
            value for key, value in self.values[step].items() if labels.items() <= dict(key).items()
        ]
        return found


def evaluate(
    rule: Mapping[str, Any], api: Asked, *, now_ms: int, loaded: Container[Key] = ()
) -> Outcome:
    """The rule at an instant. `loaded`: label sets whose alert is active already."""
    series: dict[str, list[Series]] = {}
    numbers: dict[str, Numbers] = {}
    for step in rule["data"]:
        ref, model, span = step["refId"], step["model"], step["relativeTimeRange"]
        from_ms, to_ms = now_ms - span["from"] * 1000, now_ms - span["to"] * 1000
        if step["datasourceUid"] != "__expr__":
            answer = api.ask(model, from_ms, to_ms)
            series[ref] = series_of(model, answer, now_ms)
        elif model["type"] == "resample":
            window_ms = int(model["window"].removesuffix("m")) * 60_000
            series[ref] = [
                resample(one, window_ms=window_ms, from_ms=from_ms, to_ms=to_ms)
                for one in series[model["expression"]]
            ]
        elif model["type"] == "reduce":
            numbers[ref] = reduce(model, series[model["expression"]])
        elif model["type"] == "math" and set(re.findall(r"\$(\w)\b", model["expression"])) <= set(
            series
        ):
            series[ref] = of_points(model["expression"], series)
        elif model["type"] == "math":
            numbers[ref] = arithmetic(model["expression"], numbers)
        else:
            numbers[ref] = threshold(model, numbers[model["expression"]], loaded)
    condition = numbers[rule["condition"]]
    return Outcome(
        [dict(labels) for labels, value in condition.items() if value],
        numbers,
        not condition,
    )


def resample(one: Series, *, window_ms: int, from_ms: int, to_ms: int) -> Series:
    """One point for each window: the sum of what lies between it and the one before; else none.

    The first has all that is older.
    """
    points: list[tuple[int, float | None]] = []
    left = list(one.points)
    at_ms = from_ms
    while at_ms <= to_ms:
        met = []
        while left and left[0][0] <= at_ms:
            met.append(left.pop(0)[1])
        known = [value for value in met if value is not None]
        points.append((at_ms, math.fsum(known) if known else None))
        at_ms += window_ms
    return Series(one.labels, points)


def reduce(model: Mapping[str, Any], series: list[Series]) -> Numbers:
    settings = model["settings"]
    found: Numbers = {}
    for one in series:
        values: list[float] = []
        for _, value in one.points:
            if value is not None:
                values.append(value)
            elif settings["mode"] == "replaceNN":
                values.append(settings["replaceWithValue"])
        if values:
            found[_key(one.labels)] = _REDUCERS[model["reducer"]](values)
    return found


def arithmetic(expression: str, numbers: Mapping[str, Numbers]) -> Numbers:
    """For each label set that all of the variables have."""
    names = sorted(set(re.findall(r"\$(\w)\b", expression)))
    if not re.fullmatch(r"[\s\d.()$A-Z*/<>=+-]+", expression):
        raise ValueError(expression)
    python = re.sub(r"\$(\w)\b", r"\1", expression)
    shared = set.intersection(*(set(numbers[name]) for name in names))
    return {
        key: float(eval(python, {}, {name: numbers[name][key] for name in names}))  # noqa: S307  # our own rules
        for key in sorted(shared)
    }


def threshold(model: Mapping[str, Any], numbers: Numbers, loaded: Container[Key] = ()) -> Numbers:
    """1 where it fires: above the limit, or active already and not below the recovery threshold."""
    (condition,) = model["conditions"]
    evaluator, unload = condition["evaluator"], condition.get("unloadEvaluator")
    if evaluator["type"] != "gt" or (unload and unload["type"] != "lt"):
        raise ValueError(condition)
    limit = evaluator["params"][0]
    return {
        key: float(value >= unload["params"][0] if unload and key in loaded else value > limit)
        for key, value in numbers.items()
    }


def of_points(expression: str, series: Mapping[str, list[Series]]) -> list[Series]:
    """An expression over the series of its one variable; what is missing stays missing."""
    (name,) = set(re.findall(r"\$(\w)\b", expression))

    def made(value: float | None) -> float | None:
        return None if value is None else arithmetic(expression, {name: {(): value}})[()]

    return [Series(one.labels, [(at, made(v)) for at, v in one.points]) for one in series[name]]


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
