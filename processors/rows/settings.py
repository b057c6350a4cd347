"""SEAMARK_ROWS_*."""

from dataclasses import dataclass

from processors.settings import SinkSettings
from seamark.service.settings import setting, with_default


@dataclass(frozen=True, slots=True)
class RowsSettings(SinkSettings):
    """SEAMARK_ROWS_*: the processor that carries the log into the store."""

    port: int = with_default(SinkSettings, "port", 4321)
    inserts: int = setting(2, text="Inserts in flight at a time, over all streams.", minimum=1)
    insert_timeout_seconds: float = setting(
        60.0, unit="s", text="An insert without answer is tried again after so long.", minimum=0.1
    )
