"""The fault collector: a real collector behind a proxy that fails as a script says.

`cases.yaml` has the cases, `runner` runs one against an SDK through its adapter.
"""
