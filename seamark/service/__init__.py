"""What every process shares at its edges: settings, lifecycle, logs, own metrics, connections."""
