"""Carries out the steps of a plan in a Grafana, one call each. Blocks."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from grafana.push.connection import GrafanaConnection
from grafana.push.failures import PushError
from grafana.push.objects import ALERT_FOLDER, DASHBOARD_FOLDER, MARK, DesiredState, Found, Kind
from grafana.push.plan import PushStep
from grafana.push.remote import rule_group


def carry_out(to: GrafanaConnection, step: PushStep) -> None:
    """Do one step; raises `PushError` when Grafana does not. Notification policies: never."""
    if step.action == "unchanged":
        return
    if step.want is None:
        if step.have is not None:
            _delete(to, step.have)
        return
    _DO[step.want.kind](to, step.want, step.have)


def _delete(to: GrafanaConnection, have: Found) -> None:
    doing = f"delete the {have.kind} “{have.title}” ({have.uid})"
    if have.kind == "dashboard":
        to.call(doing, lambda: to.api.dashboard.delete_dashboard(have.uid))
    elif have.kind == "alert rule":
        to.call(doing, lambda: to.api.alertingprovisioning.delete_alertrule(have.uid))
    else:
        raise PushError(f"a {have.kind} is never deleted: {have.uid}")


def _folder(to: GrafanaConnection, want: DesiredState, have: Found | None) -> None:
    doing = f"save the folder “{want.title}”"
    if have is None:
        made = to.call(doing, lambda: to.api.folder.create_folder(want.title, uid=want.uid))
    else:
        version = have.body.get("version")
        made = to.call(doing, lambda: to.api.folder.update_folder(want.uid, want.title, version))
    _saved(doing, made)


def _datasource(to: GrafanaConnection, want: DesiredState, have: Found | None) -> None:
    doing = f"save the datasource “{want.title}”"
    if have is None:
        body = {"uid": want.uid, "name": want.title, **want.body}
        _saved(doing, to.call(doing, lambda: to.api.datasource.create_datasource(body)))
        return
    kept = {name: value for name, value in have.body.items() if name not in ("id", "version")}
    marks = {**(have.body.get("jsonData") or {}), **want.body["jsonData"]}
    body = kept | dict(want.body) | {"jsonData": marks}
    # Secrets that are not sent are kept by Grafana.
    _saved(
        doing, to.call(doing, lambda: to.api.datasource.update_datasource_by_uid(want.uid, body))
    )


def _dashboard(to: GrafanaConnection, want: DesiredState, have: Found | None) -> None:
    doing = f"save the dashboard “{want.title}” ({want.uid})"
    body = {
        # The version that was compared: if it is another by now, Grafana refuses.
        "dashboard": {**want.body, "id": None, "version": have.version if have else 0},
        # A dashboard that was moved stays in its folder.
        "folderUid": have.folder if have else DASHBOARD_FOLDER,
        "message": f"{MARK} {want.digest}",
        "overwrite": False,
    }
    _saved(doing, to.call(doing, lambda: to.api.dashboard.update_dashboard(body)))


def _contact_point(to: GrafanaConnection, want: DesiredState, have: Found | None) -> None:
    doing = f"save the contact point “{want.title}”"
    alerting, body = to.api.alertingprovisioning, dict(want.body)
    if have is None:
        _saved(doing, to.call(doing, lambda: alerting.create_contactpoint(body)))
    else:
        _saved(doing, to.call(doing, lambda: alerting.update_contactpoint(want.uid, body)))


def _alert_rule(to: GrafanaConnection, want: DesiredState, have: Found | None) -> None:
    doing = f"save the alert rule “{want.title}” ({want.uid})"
    alerting, body = to.api.alertingprovisioning, dict(want.body)
    if have is None:
        _saved(doing, to.call(doing, lambda: alerting.create_alertrule(body)))
    else:
        _saved(doing, to.call(doing, lambda: alerting.update_alertrule(want.uid, body)))


def _rule_group(to: GrafanaConnection, want: DesiredState, have: Found | None) -> None:  # noqa: ARG001
    """Set how often it is evaluated. A group is made by its first rule, with Grafana's default.

    Grafana takes the group as a whole and deletes the rules that are not named, so it gets back
    exactly those it has.
    """
    there = rule_group(to, want.uid)
    if there.get("interval") == want.body["interval"]:
        return
    doing = f"set the interval of the rule group “{want.title}”"
    body = there | {"interval": want.body["interval"]}
    name = quote(want.uid, safe="")
    alerting = to.api.alertingprovisioning
    _saved(doing, to.call(doing, lambda: alerting.update_rule_group(ALERT_FOLDER, name, body)))


def _saved(doing: str, answer: Any) -> None:
    """A 404 to a save: it, or its folder, went away between the look and the deed."""
    if answer is None:
        raise PushError(f"could not {doing}: it, or its folder, is gone meanwhile. Push again")


_DO: Mapping[Kind, Callable[[GrafanaConnection, DesiredState, Found | None], None]] = {
    "folder": _folder,
    "datasource": _datasource,
    "dashboard": _dashboard,
    "contact point": _contact_point,
    "alert rule": _alert_rule,
    "rule group": _rule_group,
}
