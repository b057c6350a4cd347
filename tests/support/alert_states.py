"""States of the alerts of one rule, as in Grafana: pending, alerting, recovering, resolved.

https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.alert_evaluator import Key, Outcome

_UNITS = {"s": 1, "m": 60, "h": 3600}
_MISSED = 2
"""Evaluations without a series after which its alert is resolved."""


@dataclass
class _Instance:
    since_s: float
    active: bool = False
    good_since_s: float | None = None
    missed: int = 0
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """An alert that began to fire, or is resolved, with the numbers of the last evaluation."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    values: dict[str, float]


class RuleStates:
    """The instances of one provisioned rule."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self.rule = rule
        self._lasts = seconds(rule["for"])
        self._keeps = seconds(rule["keepFiringFor"])
        self._instances: dict[Key, _Instance] = {}

    @property
    def active(self) -> set[Key]:
        """The label sets whose alert fires."""
        return {key for key, one in self._instances.items() if one.active}

    def step(self, now_s: float, outcome: Outcome | None) -> list[Change]:
        """What one evaluation changes; None is an error."""
        chosen = "execErrState" if outcome is None else "noDataState"
        if outcome is None or outcome.no_data:
            if self.rule[chosen] == "KeepLast":
                return []
            results: dict[Key, bool] = {(): self.rule[chosen] == "Alerting"}
            if self.rule[chosen] == "OK":
                results = dict.fromkeys(self._instances, False)
            values: dict[Key, dict[str, float]] = {}
        else:
            condition = outcome.values[self.rule["condition"]]
            results = {key: bool(value) for key, value in condition.items()}
            values = {key: _of(outcome, key) for key in results}
        return list(self._changes(now_s, results, values))

    def _changes(
        self, now_s: float, results: Mapping[Key, bool], values: Mapping[Key, dict[str, float]]
    ) -> Iterator[Change]:
        for key in [key for key in self._instances if key not in results]:
            one = self._instances[key]
            one.missed += 1
            if one.missed >= _MISSED:
                del self._instances[key]
                if one.active:
                    yield Change("resolved", dict(key), one.values)
        for key, bad in results.items():
            if bad:
                one = self._instances.setdefault(key, _Instance(now_s))
                one.missed, one.good_since_s, one.values = 0, None, values.get(key, {})
                if not one.active and now_s - one.since_s >= self._lasts:
                    one.active = True
                    yield Change("firing", dict(key), one.values)
            elif found := self._instances.get(key):
                found.missed, found.values = 0, values.get(key, found.values)
                if found.good_since_s is None:
                    found.good_since_s = now_s
                if not found.active or now_s - found.good_since_s >= self._keeps:
                    del self._instances[key]
                    if found.active:
                        yield Change("resolved", dict(key), found.values)


def seconds(text: str) -> int:
    """Of a duration like 5m."""
    return int(text[:-1]) * _UNITS[text[-1]]


def _of(outcome: Outcome, key: Key) -> dict[str, float]:
    """The numbers of every step for a label set."""
    return {step: numbers[key] for step, numbers in outcome.values.items() if key in numbers}
