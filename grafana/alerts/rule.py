"""An alert rule as Grafana evaluates it: questions, expressions, and a threshold at the end."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from grafana.dashboards.ask import DATASOURCE_TYPE, Ask
from grafana.dashboards.panels import Panel

RUNBOOKS: Final = "https://github.com/seamark/seamark/blob/main/docs/runbooks"
ORG: Final = "$SEAMARK_GRAFANA_ORG"
"""Filled by Grafana from its environment, by a push from its own."""
_ROOT: Final = '{{ reReplaceAll "/+$" "" externalURL }}'
_EXPRESSION = {"type": "__expr__", "uid": "__expr__"}
_UID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""What Grafana takes as a uid."""
Severity = Literal["critical", "warning"]
State = Literal["OK", "Alerting", "NoData", "KeepLast"]


def uid_of(name: str, app: str = "", service: str = "") -> str:
    """The uid of the rule `name`, of an app's own, or of a service's own.

    It ends with a hash where the names are too long for Grafana, or could be those of another pair.
    """
    readable = "-".join(("seamark", name, *filter(None, (app,))))
    if not service and _UID.fullmatch(readable):
        return readable
    return f"seamark-{name}-{hashlib.sha256(f'{app} {service}'.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class RuleQuery:
    """Asked of the datasource, about `since_s` to `until_s` seconds ago."""

    ask: Ask
    since_s: int
    until_s: int = 0


@dataclass(frozen=True, slots=True)
class Reduce:
    """One number out of each series of `of`. `empty`: what a missing value counts as."""

    of: str
    how: Literal["sum", "median", "last"]
    empty: float | None = None

    def model(self) -> dict[str, Any]:
        """As Grafana saves it."""
        settings: dict[str, Any] = {"mode": "dropNN"}
        if self.empty is not None:
            settings = {"mode": "replaceNN", "replaceWithValue": self.empty}
        return {"type": "reduce", "expression": self.of, "reducer": self.how, "settings": settings}


@dataclass(frozen=True, slots=True)
class Window:
    """The sum of the points of `of` in the last `minutes` before `until_s` seconds ago.

    A series that stopped counts nothing then, where a question about that time alone would have no
    answer. It is resampled to two points: Grafana puts all that is older into the first, and the
    second, which `Reduce(…, "last", empty=0)` takes, is the sum.
    """

    of: str
    minutes: int
    until_s: int = 0

    @property
    def since_s(self) -> int:
        """Where the points begin."""
        return self.until_s + 2 * 60 * self.minutes

    def model(self) -> dict[str, Any]:
        """As Grafana saves it."""
        return {
            "type": "resample",
            "expression": self.of,
            "window": f"{self.minutes}m",
            "downsampler": "sum",
            "upsampler": "fillna",
        }


@dataclass(frozen=True, slots=True)
class Math:
    """Arithmetic over numbers that agree in their labels: `$A / $B`."""

    expression: str

    def model(self) -> dict[str, Any]:
        """As Grafana saves it."""
        return {"type": "math", "expression": self.expression}


@dataclass(frozen=True, slots=True)
class Above:
    """The condition: `of` is greater than `limit`; once it was, until it is less than `until`."""

    of: str
    limit: float
    until: float | None = None

    def model(self) -> dict[str, Any]:
        """As Grafana saves it."""
        condition: dict[str, Any] = {"evaluator": {"type": "gt", "params": [self.limit]}}
        if self.until is not None:
            condition["unloadEvaluator"] = {"type": "lt", "params": [self.until]}
        return {"type": "threshold", "expression": self.of, "conditions": [condition]}


Step = RuleQuery | Reduce | Window | Math | Above


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `no_data` and `error` are chosen.

    `says` is sent when it fires and when it is resolved, so it says what was measured and what the
    limit is, not that something is wrong. `lasts`: above the limit for so long before it fires;
    `keeps`: it fires for so long after.

    `steps` by their letter, in order; the last is the condition. `panel` of `board` shows it.
    `chosen`: the labels that its link gives to the board's variables of these names.
    """

    uid: str
    title: str
    says: str
    steps: Mapping[str, Step]
    severity: Severity
    lasts: str
    no_data: State
    keeps: str = "5m"
    team: str = "seamark"
    error: Literal["Error", "OK", "Alerting", "KeepLast"] = "KeepLast"
    """Only one rule fires when the API is away (`seamark-api-away`)."""
    runbook: str = ""
    board: str = ""
    panel: Panel | None = None
    chosen: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Name of its runbook."""
        return self.runbook or self.uid.removeprefix("seamark-")

    @property
    def link(self) -> str:
        """Template of an address that opens its board for what it is about, outside Grafana too."""
        values = "".join(f"&var-{n}={{{{ urlquery $labels.{n} }}}}" for n in self.chosen)
        return f"{_ROOT}/d/{self.board}?from=now-6h&to=now{values}"

    def as_provisioned(self, datasource: str) -> dict[str, Any]:
        """As a file that Grafana reads. Labels' and titles' `$` would be its environment's."""
        annotations = {
            "summary": self.says,
            "link": self.link,
            "runbook_url": f"{RUNBOOKS}/{self.page}.md",
        }
        made: dict[str, Any] = {
            "uid": self.uid,
            "title": self.title,
            "condition": list(self.steps)[-1],
            "data": [_step(ref, step, datasource) for ref, step in self.steps.items()],
        }
        if self.panel is not None:
            made |= {"dashboardUid": self.board, "panelId": self.panel.id}
            annotations |= {"__dashboardUid__": self.board, "__panelId__": str(self.panel.id)}
        labels = {"severity": self.severity, "team": self.team, **self.labels}
        return made | {
            "noDataState": self.no_data,
            "execErrState": self.error,
            "for": self.lasts,
            "keepFiringFor": self.keeps,
            "annotations": annotations,
            "labels": {n: v.replace("$", "$$") for n, v in labels.items()} | {"org": ORG},
            "isPaused": False,
        }


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated together."""

    name: str
    interval: str
    rules: Sequence[Rule]


def _step(ref: str, step: Step, datasource: str) -> dict[str, Any]:
    if isinstance(step, RuleQuery):
        model = step.ask.to_json() | {
            "refId": ref,
            "datasource": {"type": DATASOURCE_TYPE, "uid": datasource},
        }
        return _query(ref, datasource, model, step.since_s, step.until_s)
    model = {"refId": ref, "datasource": _EXPRESSION, **step.model()}
    if isinstance(step, Window):
        return _query(ref, "__expr__", model, step.since_s, step.until_s)
    return _query(ref, "__expr__", model, 0, 0)


def _query(
    ref: str, datasource: str, model: dict[str, Any], since_s: int, until_s: int
) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": since_s, "to": until_s},
        "datasourceUid": datasource,
        "model": model,
    }
