"""Who can be told. Addresses and secrets come from the environment of Grafana's process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact point; `settings` name the variables that hold its address."""

    file: str
    name: str
    kind: str
    settings: Mapping[str, str]

    def as_file(self) -> dict[str, Any]:
        """As Grafana reads it. A `$` that is no variable would have to be doubled."""
        receiver = {
            "uid": f"seamark-{self.file}",
            "type": self.kind,
            "disableResolveMessage": False,
            "settings": dict(self.settings),
        }
        point = {"orgId": 1, "name": self.name, "receivers": [receiver]}
        return {"apiVersion": 1, "contactPoints": [point]}


CONTACTS: Final = (
    Contact("slack", "Seamark Slack", "slack", {"url": "$SEAMARK_ALERT_SLACK_URL"}),
    Contact(
        "pagerduty",
        "Seamark PagerDuty",
        "pagerduty",
        {"integrationKey": "$SEAMARK_ALERT_PAGERDUTY_KEY"},
    ),
    Contact("email", "Seamark e-mail", "email", {"addresses": "$SEAMARK_ALERT_EMAIL_ADDRESSES"}),
    Contact("webhook", "Seamark webhook", "webhook", {"url": "$SEAMARK_ALERT_WEBHOOK_URL"}),
)
