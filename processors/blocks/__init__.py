"""Blocks: deterministic runs of log messages. The only place that knows positions."""
