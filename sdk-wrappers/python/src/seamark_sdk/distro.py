"""`opentelemetry-instrument python app.py` with this package installed needs no code at all."""

from typing import Any

from seamark_sdk.running import configure


class SeamarkConfigurator:
    """Sets up events and providers as `configure` does, from SEAMARK_* and OTEL_* alone.

    An entry point of `opentelemetry_configurator`. Instrumentations are loaded by
    `opentelemetry-instrument` itself, of the package `opentelemetry-instrumentation`.
    """

    def configure(self, **_: Any) -> None:
        """Called once, by `opentelemetry-instrument`."""
        configure(auto=False)
