"""Alert rules as code: questions, expressions over their answers, and a threshold.

`*_rules.py` have the rules, `thresholds.toml` their limits, `rule.py` how a rule is written for
Grafana, `contacts.py` the contact points and the policy. `docs/runbooks` has a page for each rule;
tests evaluate each.
"""
