"""Dashboards as code: `python -m grafana.dashboards` writes `provisioning/grafana`.

One file for each dashboard; each has one `DASHBOARD`. A panel asks one question and stands beside
what its answer has to look like (`expect.py`), which a test puts to a stack with
the demo's data. To add one: a file like the others, its name in `all.py`, `make dashboards`.
"""
