"""Evaluates every committed rule and sends what changes to the policy's contact points.

Stands in for Grafana's alerting where there is none: rules, policy and texts are the committed
ones; evaluation, states, routes and templates are those of `alert_*.py` beside this. It has no
grouping and no waiting, and its clock is the caller's.
"""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.alert_evaluator import RULES, Outcome, evaluate
from tests.support.alert_routes import receivers
from tests.support.alert_states import Change, RuleStates
from tests.support.alert_texts import rendered
from tests.support.grafana_asking import Api


@dataclass
class AlertingGrafana:
    """One organization. `addresses`: webhooks by the name of their contact point."""

    api: Api
    tree: Mapping[str, Any]
    addresses: Mapping[str, str]
    root: str
    org: str

    def __post_init__(self) -> None:
        self._states = {name: RuleStates(rule) for name, rule in RULES.items()}

    def tick(self, now_ms: int, *, clock_s: float) -> list[str]:
        """Evaluate all rules as of `now_ms`, at a time of its own; what was sent, by rule."""
        sent = []
        for name, states in self._states.items():
            try:
                outcome: Outcome | None = evaluate(
                    states.rule, self.api, now_ms=now_ms, loaded=states.active
                )
            except OSError:
                outcome = None
            for change in states.step(clock_s, outcome):
                self._send(states.rule, change)
                sent.append(f"{name} {change.status}")
        return sent

    def _send(self, rule: Mapping[str, Any], change: Change) -> None:
        own = {name: text.replace("$$", "$") for name, text in rule["labels"].items()}
        labels = {**change.labels, **own, "alertname": rule["title"], "org": self.org}
        texts = {
            name: rendered(text, labels=labels, values=change.values, root=self.root)
            for name, text in rule["annotations"].items()
        }
        alert = {"status": change.status, "labels": labels, "annotations": texts}
        for receiver in receivers(self.tree, labels):
            body = {"receiver": receiver, "status": change.status, "alerts": [alert]}
            request = urllib.request.Request(
                self.addresses[receiver],
                data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
