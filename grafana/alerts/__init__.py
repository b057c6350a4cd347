"""Alert rules as code: a question, what becomes of its answer, and when that is an alert.

`*_rules.py` say what is watched, `thresholds.toml` from where on, `rule.py` how it is written for
Grafana, `contacts.py` who is told. `docs/runbooks` has a page for each rule; tests evaluate each.
"""
