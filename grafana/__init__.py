"""What Grafana shows of Seamark: the datasource plugin, and the dashboards and alerts made here."""
