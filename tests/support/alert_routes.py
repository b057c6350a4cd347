"""The contact points that a notification policy gives an alert to, as Alertmanager does.

https://prometheus.io/docs/alerting/latest/configuration/#route
"""

import re
from collections.abc import Mapping
from typing import Any


def receivers(tree: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Names of the contact points that get an alert with these labels."""
    found: list[str] = []
    for route in tree.get("routes", []):
        if all(_matches(matcher, labels) for matcher in route.get("object_matchers", [])):
            found += receivers(route, labels)
            if not route.get("continue"):
                break
    return found or [tree["receiver"]]


def _matches(matcher: list[str], labels: Mapping[str, str]) -> bool:
    name, operator, wanted = matcher
    value = labels.get(name, "")
    if operator == "=":
        return value == wanted
    if operator == "=~":
        return re.fullmatch(wanted, value) is not None
    raise ValueError(operator)
