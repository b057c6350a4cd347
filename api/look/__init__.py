"""A first look: one page of the API's own that asks the API, for the minute before Grafana."""
