"""Seamark: telemetry whose numbers are exact."""

__version__ = "0.1.0"
