"""The monitor port of every process: health, readiness, own metrics."""
