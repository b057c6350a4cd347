"""A small shop that sends telemetry like a real one, and can check the outcome."""
