"""Everything that Grafana is provisioned with, as texts of files. Pure."""

from typing import Any, Final

import yaml

from grafana.alerts.contacts import CONTACTS, policy
from grafana.alerts.rules import FOLDER, GROUPS
from grafana.dashboards.all import BOARDS
from grafana.dashboards.ask import DATASOURCE_TYPE

DATASOURCE_UID: Final = "seamark"
DASHBOARD_FOLDER: Final = "Seamark"
_NOTE: Final = "# Written by `make dashboards` from grafana/; a test compares. Do not edit.\n"


def files() -> dict[str, str]:
    """Path below `provisioning/grafana` -> text."""
    made = {f"dashboards/seamark/{board.uid}.json": board.as_json() for board in BOARDS}
    made["dashboards/seamark.yaml"] = _yaml(_provider(), _WHERE_DASHBOARDS)
    made["datasources/seamark.yaml"] = _yaml(_datasource(), _WHERE_DATASOURCE)
    made["alerting/rules.yaml"] = _yaml(_rules(), _WHERE_RULES)
    for contact in CONTACTS:
        made[f"contact-points/{contact.file}.yaml"] = _yaml(contact.as_file(), _WHERE_CONTACTS)
    made["policies/seamark.yaml"] = _yaml(policy(), _WHERE_POLICY)
    return made


_WHERE_DASHBOARDS = """# GF_PATHS_PROVISIONING is Grafana's own variable for the folder that holds
# this one; its image sets it.
"""
_WHERE_DATASOURCE = """# SEAMARK_GRAFANA_API_URL is where Seamark's API answers,
# SEAMARK_GRAFANA_TOKEN a query token. The datasource sees what the token may see.
"""
_WHERE_CONTACTS = """# Put this file into Grafana's provisioning/alerting only where its variable is
# set: Grafana does not start with a contact point that lacks its address. policies/seamark.yaml
# says which alert goes to it.
"""
_WHERE_POLICY = """# For a Grafana that is Seamark's alone: it is the organization's whole tree.
# Leave out the routes whose contact point is not there, since Grafana does not start with one that
# leads nowhere; provisioning/compose/grafana/start.sh does so.
"""
_WHERE_RULES = """# SEAMARK_GRAFANA_ORG is the org of the query token, for the label `org`.
"""


def _datasource() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Seamark",
                "uid": DATASOURCE_UID,
                "type": DATASOURCE_TYPE,
                "access": "proxy",
                "url": "$SEAMARK_GRAFANA_API_URL",
                "editable": False,
                "secureJsonData": {"token": "$SEAMARK_GRAFANA_TOKEN"},
            }
        ],
    }


def _provider() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "seamark",
                "folder": DASHBOARD_FOLDER,
                "folderUid": "seamark",
                "type": "file",
                "allowUiUpdates": False,
                "updateIntervalSeconds": 60,
                "options": {"path": "$GF_PATHS_PROVISIONING/dashboards/seamark"},
            }
        ],
    }


def _rules() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": FOLDER,
                "interval": group.interval,
                "rules": [rule.as_provisioned(DATASOURCE_UID) for rule in group.rules],
            }
            for group in GROUPS
        ],
    }


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, and nothing is an alias of something else."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # the library's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _yaml(value: dict[str, Any], why: str) -> str:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return _NOTE + why + text
