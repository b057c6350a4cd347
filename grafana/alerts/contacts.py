"""Contact points and the notification policy.

Addresses and secrets come from the environment of Grafana's process.

A policy is for a Grafana that is Seamark's own: it is that organization's whole tree. `push` leaves
it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_EVERY: Final = ["alertname", "=~", ".+"]
_CRITICAL: Final = ["severity", "=", "critical"]


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact point; `variable` holds its address, `setting` is what Grafana calls that.

    `critical`: it gets only critical alerts, as long as another contact point gets the others.
    """

    file: str
    name: str
    kind: str
    setting: str
    variable: str
    critical: bool = False

    def as_file(self) -> dict[str, Any]:
        """As Grafana reads it. A `$` that is no variable would have to be doubled."""
        settings = {self.setting: f"${self.variable}"}
        if self.kind == "pagerduty":
            settings["severity"] = (
                "{{ with .CommonLabels.severity }}{{ . }}{{ else }}error{{ end }}"
            )
        receiver = {
            "uid": f"seamark-{self.file}",
            "type": self.kind,
            "disableResolveMessage": False,
            "settings": settings,
        }
        point = {"orgId": 1, "name": self.name, "receivers": [receiver]}
        return {"apiVersion": 1, "contactPoints": [point]}

    @property
    def route(self) -> Mapping[str, Any]:
        """Its part of the policy. The next contact point is asked too."""
        return {
            "receiver": self.name,
            "object_matchers": [_CRITICAL if self.critical else _EVERY],
            "continue": True,
        }


CONTACTS: Final = (
    Contact("slack", "Seamark Slack", "slack", "url", "SEAMARK_ALERT_SLACK_URL"),
    Contact("email", "Seamark e-mail", "email", "addresses", "SEAMARK_ALERT_EMAIL_ADDRESSES"),
    Contact("webhook", "Seamark webhook", "webhook", "url", "SEAMARK_ALERT_WEBHOOK_URL"),
    Contact(
        "pagerduty",
        "Seamark PagerDuty",
        "pagerduty",
        "integrationKey",
        "SEAMARK_ALERT_PAGERDUTY_KEY",
        critical=True,
    ),
)


def policy(contacts: tuple[Contact, ...] = CONTACTS) -> dict[str, Any]:
    """The tree for these contact points. The first gets what no route matches."""
    tree = {
        "orgId": 1,
        "receiver": contacts[0].name,
        "group_by": ["alertname", "org", "app", "service"],
        "group_wait": "15s",
        "group_interval": "2m",
        "repeat_interval": "4h",
        "routes": [contact.route for contact in contacts],
    }
    return {"apiVersion": 1, "policies": [tree]}
