"""All rules, in the groups that Grafana evaluates together."""

from typing import Final

from grafana.alerts.objective_rules import OBJECTIVES
from grafana.alerts.own_rules import OWN
from grafana.alerts.people_rules import PEOPLE
from grafana.alerts.pipeline_rules import PIPELINE
from grafana.alerts.rule import RuleGroup
from grafana.alerts.trial_rules import TRIALS
from grafana.alerts.web_rules import WEB

FOLDER: Final = "Seamark alerts"
"""Not the dashboards' folder: alerting is provisioned first and makes folders by their titles."""
_ALL: Final = (
    RuleGroup("Seamark: what people meet", "1m", PEOPLE),
    RuleGroup("Seamark: objectives", "1m", OBJECTIVES),
    RuleGroup("Seamark: web vitals", "5m", WEB),
    RuleGroup("Seamark: the pipeline", "1m", PIPELINE),
    RuleGroup("Seamark: its own processes", "1m", OWN),
    RuleGroup("Seamark: tests of alerting", "30s", TRIALS),
)
GROUPS: Final = tuple(group for group in _ALL if group.rules)
RULES: Final = tuple(rule for group in GROUPS for rule in group.rules)
