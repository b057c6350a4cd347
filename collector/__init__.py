"""The collector: receives telemetry, decides, and answers only once the log has it."""
