"""The SDK's builders, imported quietly.

It warns that dashboards of schema 1 are the older kind. They are the kind that files for every
Grafana from 12 on are written in, and the one that a person can edit as JSON in Grafana itself.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        bargauge,
        common,
        dashboard,
        logs,
        nodegraph,
        piechart,
        stat,
        table,
        text,
        timeseries,
    )
    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models import common as common_models
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import piechart as pie_models

__all__ = [
    "Builder",
    "Dataquery",
    "JSONEncoder",
    "bargauge",
    "common",
    "common_models",
    "dashboard",
    "logs",
    "models",
    "nodegraph",
    "pie_models",
    "piechart",
    "stat",
    "table",
    "text",
    "timeseries",
]
