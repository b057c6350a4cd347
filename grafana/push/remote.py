"""Reads what stands in a Grafana, and carries out a plan there. Blocks; one call after another."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from grafana.push.connection import GrafanaConnection
from grafana.push.failures import PushError
from grafana.push.objects import (
    ALERT_FOLDER,
    DASHBOARD_FOLDER,
    DATASOURCE_TYPE,
    MARK,
    PREFIX,
    TAG,
    DesiredState,
    Found,
    Owner,
    is_ours,
)

_MOST = 5000


def read(to: GrafanaConnection, wanted: Iterable[DesiredState]) -> list[Found]:
    """All that a plan has to know of: what is wanted, what is ours, what bears the same names."""
    wishes = list(wanted)
    found = list(_folders(to))
    found += _datasources(to)
    uids = {want.uid for want in wishes if want.kind == "dashboard"}
    found += _dashboards(to, uids)
    found += _contact_points(to)
    rules = list(_rules(to))
    found += rules
    found += _groups(to, rules, [want.uid for want in wishes if want.kind == "rule group"])
    return found


def check_datasource(to: GrafanaConnection, uid: str) -> None:
    """Raise unless there is a datasource of our type under `uid`."""
    there = to.call("read the datasource", lambda: to.api.datasource.get_datasource_by_uid(uid))
    if there is None:
        raise PushError(f"--datasource {uid}: this Grafana has no datasource with that uid")
    if there["type"] != DATASOURCE_TYPE:
        raise PushError(f"--datasource {uid}: it is of type {there['type']}, not {DATASOURCE_TYPE}")


def health(to: GrafanaConnection, uid: str) -> str:
    """What Grafana's own check of the datasource says is wrong; "" when it works."""
    try:
        answer = to.call("check the datasource", lambda: to.api.datasource.health(uid)) or {}
    except PushError as error:
        return str(error)
    return "" if answer.get("status") == "OK" else str(answer.get("message", "no answer"))


def _folders(to: GrafanaConnection) -> Iterator[Found]:
    for each in to.get("/folders?limit=1000", "list the folders") or []:
        ours = each["uid"] in (DASHBOARD_FOLDER, ALERT_FOLDER)
        if not ours:
            yield Found("folder", each["uid"], each["title"], Owner.OTHERS, {})
    for uid in (DASHBOARD_FOLDER, ALERT_FOLDER):
        # By uid: it may be below another folder.
        there = to.call("read the folder", partial(to.api.folder.get_folder, uid))
        if there is not None:
            yield Found("folder", uid, there["title"], Owner.OURS, there)


def _datasources(to: GrafanaConnection) -> Iterator[Found]:
    for brief in to.call("list the datasources", to.api.datasource.list_datasources) or []:
        marks = brief.get("jsonData") or {}
        owner = Owner.OTHERS
        if brief.get("readOnly"):
            owner = Owner.FILES
        elif brief["type"] == DATASOURCE_TYPE and marks.get("managedBy") == MARK:
            owner = Owner.OURS
        body = brief
        if owner is Owner.OURS:
            # The list leaves out what an update would then take away.
            one = partial(to.api.datasource.get_datasource_by_uid, brief["uid"])
            body = to.call("read the datasource", one) or brief
        yield Found("datasource", brief["uid"], brief["name"], owner, body)


def _dashboards(to: GrafanaConnection, wanted: set[str]) -> Iterator[Found]:
    def search(query: str) -> list[dict[str, Any]]:
        path = f"/search?type=dash-db&limit={_MOST}&{query}"
        return to.get(path, "search the dashboards") or []

    tagged = {each["uid"] for each in search(f"tag={TAG}") if each["uid"].startswith(PREFIX)}
    for each in search(f"folderUIDs={DASHBOARD_FOLDER}"):
        if each["uid"] not in wanted | tagged:
            folder = each.get("folderUid") or DASHBOARD_FOLDER
            yield Found("dashboard", each["uid"], each["title"], Owner.OTHERS, {}, folder=folder)
    for uid in sorted(wanted | tagged):
        there = to.call(f"read the dashboard {uid}", partial(to.api.dashboard.get_dashboard, uid))
        if there is not None:
            yield _dashboard(to, uid, there["dashboard"], there["meta"])


def _dashboard(
    to: GrafanaConnection, uid: str, body: dict[str, Any], meta: dict[str, Any]
) -> Found:
    owner = Owner.OURS if is_ours(uid, body.get("tags") or []) else Owner.OTHERS
    if meta.get("provisioned"):
        owner = Owner.FILES
    stamp, by = "", ""
    if owner is Owner.OURS:
        # The last version's message is ours when a push made it; anyone else's save is an edit.
        path = f"/dashboards/uid/{uid}/versions?limit=1"
        answer = to.get(path, f"read the history of the dashboard {uid}") or {}
        versions = answer.get("versions", []) if isinstance(answer, dict) else answer
        last: dict[str, Any] = max(versions, key=lambda each: int(each["version"]), default={})
        said = str(last.get("message", ""))
        stamp = said.removeprefix(MARK).strip() if said.startswith(MARK) else ""
        by = "" if stamp else str(last.get("createdBy") or meta.get("updatedBy") or "somebody")
    return Found(
        "dashboard",
        uid,
        str(body.get("title", "")),
        owner,
        body,
        folder=str(meta.get("folderUid", "")),
        stamp=stamp,
        version=int(meta.get("version") or body.get("version") or 0),
        edited_by=by,
    )


def _contact_points(to: GrafanaConnection) -> Iterator[Found]:
    points = to.call(
        "list the contact points", to.api.alertingprovisioning.get_contactpoints, absent=[]
    )
    for each in points or []:
        owner = _by_provenance(each, ours=str(each.get("uid", "")).startswith(PREFIX))
        yield Found("contact point", each.get("uid", ""), each["name"], owner, each)


def _rules(to: GrafanaConnection) -> Iterator[Found]:
    rules = to.call(
        "list the alert rules", to.api.alertingprovisioning.get_alertrules_all, absent=[]
    )
    for each in rules or []:
        owner = _by_provenance(each, ours=is_ours(each["uid"], each.get("labels") or {}))
        yield Found("alert rule", each["uid"], each["title"], owner, each, folder=each["folderUID"])


def _by_provenance(each: dict[str, Any], *, ours: bool) -> Owner:
    """A push saves as `api`, which Grafana does not let people edit; so nothing else is ours."""
    provenance = each.get("provenance") or ""
    if provenance == "file":
        return Owner.FILES
    return Owner.OURS if ours and provenance == "api" else Owner.OTHERS


def _groups(to: GrafanaConnection, rules: list[Found], wanted: list[str]) -> Iterator[Found]:
    for name in wanted:
        members = [
            rule
            for rule in rules
            if rule.folder == ALERT_FOLDER and rule.body.get("ruleGroup") == name
        ]
        if not members:
            continue
        there = rule_group(to, name)
        ours = all(rule.owner is Owner.OURS for rule in members)
        owner = Owner.OURS if ours else Owner.OTHERS
        yield Found("rule group", name, name, owner, there, folder=ALERT_FOLDER)


def rule_group(to: GrafanaConnection, name: str) -> dict[str, Any]:
    """A group of rules in our folder, as Grafana has it; raises when it is not there."""
    there = to.call(
        f"read the rule group {name}",
        lambda: to.api.alertingprovisioning.get_rule_group(ALERT_FOLDER, quote(name, safe="")),
    )
    if there is None:
        raise PushError(f"the rule group “{name}” is not there, though its rules are; push again")
    return dict(there)
