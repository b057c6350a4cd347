"""What a Grafana should hold: the files of provisioning/grafana, as its HTTP API takes them. Pure.

Two things differ between the files and the API. In files Grafana replaces `$VARIABLE` in labels and
settings and takes `$$` for `$`; the API takes every character as it is. And files name a folder by
its title where the API wants its uid.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from grafana.push.objects import (
    ALERT_FOLDER,
    DASHBOARD_FOLDER,
    DATASOURCE_TYPE,
    DATASOURCE_UID,
    LABEL,
    MARK,
    TAG,
    DesiredState,
)

_REFERENCE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")
_OF_FILES = ("dashboardUid", "panelId")
_OF_API = {"keepFiringFor": "keep_firing_for"}
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What the person asked for. `datasource`: uid of one that is there already and stays as is."""

    folder: str = ""
    datasource: str = ""
    datasource_url: str = ""
    datasource_token: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """All that should be there, and notes about what was left out and why."""

    objects: tuple[DesiredState, ...]
    notes: tuple[str, ...]


def wish(files: Mapping[str, str], choices: PushOptions, environ: Mapping[str, str]) -> Wish:
    """What `files` (path below provisioning/grafana -> text) want of a Grafana."""
    objects = list(_folders(files, choices))
    if not choices.datasource:
        objects.append(_datasource(files, choices))
    uid = choices.datasource or DATASOURCE_UID
    for path, text in sorted(files.items()):
        if path.startswith("dashboards/") and path.endswith(".json"):
            objects.append(_dashboard(json.loads(text), uid))
    points, notes = _contact_points(files, environ)
    objects += points
    objects += _rules(yaml.safe_load(files["alerting/rules.yaml"]), uid, environ)
    return Wish(tuple(objects), tuple(notes))


def plain(text: str) -> str:
    """A text of a provisioning file that holds no variables, as the API takes it: `$$` is `$`."""
    return text.replace("$$", "$")


def filled(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """`text` with its variables' values, and the names of those that are not set or empty."""
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        if not environ.get(name):
            missing.append(name)
        return environ.get(name, "")

    return _REFERENCE.sub(value, text), missing


def digest(value: object) -> str:
    """Sixteen hexadecimal digits that stand for `value`; too few to find a secret from."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _folders(files: Mapping[str, str], choices: PushOptions) -> Iterator[DesiredState]:
    boards = yaml.safe_load(files["dashboards/seamark.yaml"])["providers"][0]["folder"]
    alerts = yaml.safe_load(files["alerting/rules.yaml"])["groups"][0]["folder"]
    titles = {DASHBOARD_FOLDER: boards, ALERT_FOLDER: alerts}
    if choices.folder:
        titles = {DASHBOARD_FOLDER: choices.folder, ALERT_FOLDER: f"{choices.folder} alerts"}
    for uid, title in titles.items():
        # Without --folder a person may have renamed it in Grafana: that stays.
        yield DesiredState("folder", uid, title, {"title": title} if choices.folder else {})


def _datasource(files: Mapping[str, str], choices: PushOptions) -> DesiredState:
    (given,) = yaml.safe_load(files["datasources/seamark.yaml"])["datasources"]
    body: dict[str, Any] = {"type": given["type"], "access": given["access"]}
    marks = {"managedBy": MARK}
    secrets: dict[tuple[str, ...], str] = {}
    if choices.datasource_url:
        body["url"] = choices.datasource_url
    if choices.datasource_token:
        # Grafana never shows a token again; its digest tells the next push whether it is the same.
        marks["tokenDigest"] = digest(choices.datasource_token)
        body["secureJsonData"] = {"token": choices.datasource_token}
        secrets["secureJsonData", "token"] = "the datasource's token"
    return DesiredState(
        "datasource", DATASOURCE_UID, given["name"], body | {"jsonData": marks}, secrets
    )


def _dashboard(board: dict[str, Any], datasource: str) -> DesiredState:
    body = _pointed(board, datasource) | {"tags": [*board.get("tags", []), TAG]}
    return DesiredState("dashboard", board["uid"], board["title"], body, digest=digest(body))


def _contact_points(
    files: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[list[DesiredState], list[str]]:
    """Those whose variables are set; of the others only a note."""
    made, notes = [], []
    for path, text in sorted(files.items()):
        if not path.startswith("contact-points/"):
            continue
        for point in yaml.safe_load(text)["contactPoints"]:
            for receiver in point["receivers"]:
                settings: dict[str, str] = {}
                secrets: dict[tuple[str, ...], str] = {}
                missing: list[str] = []
                for name, value in receiver["settings"].items():
                    settings[name], unset = filled(str(value), environ)
                    missing += unset
                    if settings[name] != plain(str(value)):
                        secrets["settings", name] = str(value)
                if missing:
                    names = ", ".join(missing)
                    notes.append(f"contact point {point['name']}: left alone, {names} is not set")
                    continue
                body = {
                    "uid": receiver["uid"],
                    "name": plain(point["name"]),
                    "type": receiver["type"],
                    "disableResolveMessage": receiver["disableResolveMessage"],
                    "settings": settings,
                }
                made.append(DesiredState("contact point", body["uid"], body["name"], body, secrets))
    return made, notes


def _rules(
    provisioned: dict[str, Any], datasource: str, environ: Mapping[str, str]
) -> Iterator[DesiredState]:
    for group in provisioned["groups"]:
        name = plain(group["name"])
        for rule in group["rules"]:
            # The panel a rule belongs to is told to the API by annotations alone.
            body = {_OF_API.get(k, k): v for k, v in rule.items() if k not in _OF_FILES}
            labels = {k: filled(v, environ)[0] for k, v in rule["labels"].items()}
            labels = {k: v for k, v in labels.items() if v}  # an org that nobody named
            body |= {
                "title": plain(rule["title"]),
                "data": _pointed(rule["data"], datasource),
                "labels": labels | dict([LABEL]),
                "folderUID": ALERT_FOLDER,
                "ruleGroup": name,
            }
            yield DesiredState("alert rule", rule["uid"], body["title"], body)
        seconds = int(group["interval"][:-1]) * _UNITS[group["interval"][-1]]
        yield DesiredState("rule group", name, name, {"interval": seconds})


def _pointed(value: Any, datasource: str) -> Any:
    """`value` with every reference to the datasource's usual uid as one to `datasource`."""
    if isinstance(value, list):
        return [_pointed(each, datasource) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: _pointed(each, datasource) for name, each in value.items()}
    for name in ("uid", "datasourceUid"):
        of_type = name == "datasourceUid" or made.get("type") == DATASOURCE_TYPE
        if of_type and made.get(name) == DATASOURCE_UID:
            made[name] = datasource
    if made.get("query") == DATASOURCE_TYPE and made.get("type") == "datasource":
        made["current"] = made["current"] | {"value": datasource}
    return made
