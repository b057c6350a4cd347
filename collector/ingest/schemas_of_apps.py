"""The schemas of apps, compiled once for each change of them."""

from collections.abc import Mapping

from collector.admission.event_schemas import EventSchemas
from seamark.service.registry import AppRecord, SchemaRecord

_Records = Mapping[str, SchemaRecord]


class SchemasOfApps:
    """The compiled schemas of each app that has some and sent something."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[_Records, EventSchemas]] = {}

    def of(
        self, app: AppRecord, records: Mapping[tuple[str, str], _Records]
    ) -> EventSchemas | None:
        """The schemas of an app; None where it has none."""
        place = app.org, app.app
        found = records.get(place)
        if not found:
            return None
        known = self._known.get(place)
        if known is None or known[0] is not found:
            known = self._known[place] = found, EventSchemas(found)
        return known[1]
