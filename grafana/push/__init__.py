"""Provisions a Grafana that already runs, through its HTTP API: `seamark grafana push`.

`wanted` (pure) reads provisioning/grafana, `plan` (pure) compares it with what `remote` found and
says what is to be done, `report` (pure) says it to a person, and `remote` does it. Runs in an
environment of its own (`environment`); nothing here may import anything of Seamark's services.
"""
