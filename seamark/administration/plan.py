"""What has to be done so that what is declared is so, and how that reads. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from seamark.administration.wanted import Settings, WantedOrg

Doing = Literal["create", "update", "delete"]
_SIGNS: Final[Mapping[Doing, str]] = {"create": "+", "update": "~", "delete": "-"}
_WORDS: Final[Mapping[Doing, str]] = {"create": "add", "update": "change", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Step:
    """One request; about the org where `app` is "". `before`: of the settings that it changes."""

    doing: Doing
    org: str
    app: str = ""
    settings: Settings = field(default_factory=dict)
    before: Settings = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`org acme` or `app acme/shop`."""
        return f"app {self.org}/{self.app}" if self.app else f"org {self.org}"


def plan(
    wanted: Mapping[str, WantedOrg],
    *,
    orgs: Iterable[Mapping[str, Any]],
    apps: Iterable[Mapping[str, Any]],
    prune: bool = False,
) -> list[Step]:
    """The steps, in an order in which they can be done.

    `orgs` and `apps`: as they are answered. `prune`: delete what is there and not declared.
    """
    there = {org["orgId"]: org for org in orgs}
    apps_there = {(app["orgId"], app["appId"]): app for app in apps}
    steps: list[Step] = []
    for org, declared in wanted.items():
        steps += _made_so(Step("create", org), there.get(org), declared.settings)
        for app, settings in declared.apps.items():
            steps += _made_so(Step("create", org, app), apps_there.get((org, app)), settings)
    if prune:
        gone = [key for key in apps_there if key[1] not in _apps_of(wanted, key[0])]
        steps += [Step("delete", org, app) for org, app in sorted(gone)]
        steps += [Step("delete", org) for org in sorted(there.keys() - wanted.keys())]
    return steps


def _apps_of(wanted: Mapping[str, WantedOrg], org: str) -> Mapping[str, Settings]:
    return wanted[org].apps if org in wanted else {}


def _made_so(create: Step, there: Mapping[str, Any] | None, settings: Settings) -> Iterator[Step]:
    if there is None:
        yield Step("create", create.org, create.app, settings)
        return
    changed = {name: value for name, value in settings.items() if there.get(name) != value}
    if changed:
        before = {name: there.get(name) for name in changed}
        yield Step("update", create.org, create.app, changed, before)


def difference(steps: Iterable[Step]) -> str:
    """The steps for a person."""
    lines: list[str] = []
    counts = dict.fromkeys(_SIGNS, 0)
    for step in steps:
        counts[step.doing] += 1
        key = ", with its first key" if step.doing == "create" and step.app else ""
        lines.append(f"{_SIGNS[step.doing]} {step.name}{key}")
        for name, value in step.settings.items():
            old = f"{_text(step.before[name])} -> " if step.doing == "update" else ""
            lines.append(f"    {name}: {old}{_text(value)}")
    total = ", ".join(f"{count} to {_WORDS[doing]}" for doing, count in counts.items() if count)
    return "\n".join([*lines, total or "nothing to do: it is as the file says"])


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
