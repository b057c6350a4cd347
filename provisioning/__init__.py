"""Brings the log, the store and Grafana to the state this release needs."""
