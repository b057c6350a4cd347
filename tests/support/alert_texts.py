"""Renders annotations as Grafana does: only what our rules write in them.

https://grafana.com/docs/grafana/latest/alerting/alerting-rules/templates/reference/
"""

import re
from collections.abc import Mapping
from urllib.parse import quote_plus

_ACTION = re.compile(r"\{\{ (.+?) \}\}")


def rendered(
    text: str, *, labels: Mapping[str, str], values: Mapping[str, float], root: str = ""
) -> str:
    """The text as it is sent. Raises where Grafana would show that something is missing."""

    def value_of(name: str) -> str | float:
        if match := re.fullmatch(r"\$labels\.(\w+)", name):
            return labels[match[1]]
        if match := re.fullmatch(r"\$values\.(\w)\.Value", name):
            return values[match[1]]
        raise ValueError(name)

    def done(match: re.Match[str]) -> str:
        action = match[1]
        if action == 'reReplaceAll "/+$" "" externalURL':
            return root.rstrip("/")
        function, _, argument = action.rpartition(" ")
        value = value_of(argument)
        if function == "":
            return f"{value:g}" if isinstance(value, float) else value
        if function == "urlquery":
            return quote_plus(str(value))
        if function == "humanizePercentage":
            return f"{float(value) * 100:.4g}%"
        if function == "humanizeDuration":
            return f"{float(value):.4g}s"
        raise ValueError(function)

    return _ACTION.sub(done, text)
