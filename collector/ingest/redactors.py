"""The redactors of apps, each compiled once for a revision of the app's record."""

from collector.admission.redaction.rules import Redactor
from seamark.service.registry import AppRecord


class Redactors:
    """One redactor for each app that sent something; a changed record gives a new one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[AppRecord, Redactor]] = {}

    def of(self, app: AppRecord, salt: str) -> Redactor:
        """The redactor of an app; `salt` is its org's."""
        known = self._known.get((app.org, app.app))
        if known is not None and known[0] is app and known[1].salt == salt:
            return known[1]
        redactor = Redactor(app.redaction, app.attributes, salt=salt)
        self._known[app.org, app.app] = app, redactor
        return redactor
