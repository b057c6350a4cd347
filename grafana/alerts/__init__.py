"""Alert rules as code: a question, what becomes of its answer, and when that is an alert.

`rules.py` says what is watched, `rule.py` how it is written for Grafana, `contacts.py` who can be
told. `docs/runbooks` has a page for each rule; a test evaluates each against a real stack.
"""
