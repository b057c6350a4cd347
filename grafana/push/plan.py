"""What a push would do: pure. A plan with refusals is never carried out, not even in part.

Laws: what is not ours is in no step; a plan for what a push has just done has no steps.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from grafana.push.difference import same
from grafana.push.objects import (
    ALERT_FOLDER,
    DASHBOARD_FOLDER,
    KINDS,
    REDACTED,
    DesiredState,
    Found,
    Owner,
)

Action = Literal["create", "update", "unchanged", "delete"]
_PRUNED = ("dashboard", "alert rule")
_PLACES = {"dashboard": DASHBOARD_FOLDER, "alert rule": ALERT_FOLDER}


@dataclass(frozen=True, slots=True)
class PushStep:
    """One object and what becomes of it."""

    action: Action
    want: DesiredState | None
    have: Found | None

    @property
    def object(self) -> DesiredState | Found:
        """What the step is about."""
        found = self.want or self.have
        assert found is not None  # noqa: S101  # a step is about something
        return found


@dataclass(frozen=True, slots=True)
class PushPlan:
    """Steps in the order they can be carried out; `refusals` name what stands in the way."""

    steps: tuple[PushStep, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> list[PushStep]:
        """The steps that change something."""
        return [step for step in self.steps if step.action != "unchanged"]


def plan(
    wanted: Iterable[DesiredState],
    found: Iterable[Found],
    *,
    overwrite: bool = False,
    renew_secrets: bool = False,
) -> PushPlan:
    """Compare. `overwrite`: people's edits of what is ours go; `renew_secrets`: send them again."""
    wishes = list(wanted)
    there = {each.key: each for each in found}
    steps: list[PushStep] = []
    refusals: list[str] = []
    for want in wishes:
        have = there.get(want.key)
        if have is None:
            refusals += _rivals(want, there.values())
            refusals += _lacking(want)
            steps.append(PushStep("create", want, None))
        elif have.owner is not Owner.OURS and not _stays(want, have):
            refusals.append(_not_ours(have))
        elif _agrees(want, have) and not (renew_secrets and want.secrets):
            steps.append(PushStep("unchanged", want, have))
        elif have.edited_by and not overwrite:
            refusals.append(_edited(have, "push"))
        else:
            steps.append(PushStep("update", want, have))
    keys = {want.key for want in wishes}
    for have in there.values():
        if have.owner is Owner.OURS and have.kind in _PRUNED and have.key not in keys:
            if have.edited_by and not overwrite:
                refusals.append(_edited(have, "delete it"))
            else:
                steps.append(PushStep("delete", None, have))
    return PushPlan(tuple(sorted(steps, key=_order)), tuple(refusals), tuple(_uncompared(steps)))


def _agrees(want: DesiredState, have: Found) -> bool:
    if want.digest and want.digest == have.stamp:
        return True  # Saved by a push and by nobody since, whatever Grafana made of its form.
    body = {name: value for name, value in want.body.items() if name != "secureJsonData"}
    return same(body, have.body)


def _uncompared(steps: Iterable[PushStep]) -> Iterator[str]:
    """Secrets that Grafana keeps to itself, where nothing else differs."""
    for step in steps:
        if step.action != "unchanged" or step.want is None or step.have is None:
            continue
        theirs = step.have.body.get("settings") or {}
        for name in (path[-1] for path in step.want.secrets if path[0] == "settings"):
            if theirs.get(name) == REDACTED:
                yield (
                    f"{step.want.kind} {step.want.title}: Grafana does not show its {name}, so it "
                    "was not compared; --renew-secrets sends it again"
                )


def _stays(want: DesiredState, have: Found) -> bool:
    """A group of ours that holds a person's rule too: nothing is wrong until it has to change."""
    return want.kind == "rule group" and _agrees(want, have)


def _order(step: PushStep) -> tuple[int, bool]:
    """By kind; what goes, goes first, since its successor may have its title."""
    return (KINDS.index(step.object.kind), step.action != "delete")


def _rivals(want: DesiredState, there: Iterable[Found]) -> list[str]:
    """Others' objects of the same name in the same place: Grafana, or a person, would mix them."""
    place = _PLACES.get(want.kind, "")
    return [
        f"a {want.kind} named “{want.title}” is there already (uid {each.uid}), and it is "
        f"{each.owner.value}. {_way_out(each)}"
        for each in there
        if each.kind == want.kind
        and each.owner is not Owner.OURS
        and each.title == want.title
        and each.uid != want.uid
        and (not place or each.folder == place)
    ]


def _lacking(want: DesiredState) -> list[str]:
    if want.kind != "datasource" or {"url", "secureJsonData"} <= want.body.keys():
        return []
    return [
        "this Grafana has no datasource of ours yet: say where Seamark's API answers as Grafana "
        "sees it (--datasource-url) and give a query token (--datasource-token-file); or use one "
        "that is there (--datasource UID)"
    ]


def _not_ours(have: Found) -> str:
    return (
        f"the {have.kind} “{have.title}” (uid {have.uid}) is {have.owner.value}, "
        f"not made by a push. {_way_out(have)}"
    )


def _way_out(have: Found) -> str:
    if have.kind == "datasource":
        return f"To use it as it is, say --datasource {have.uid}; or delete it there."
    if have.owner is Owner.FILES:
        return "Take the files out of that Grafana's provisioning folder, or do not push."
    if have.kind == "rule group":
        return "Move the rules in it that are not Seamark's to another group."
    if have.kind == "folder":
        return "Say --folder TITLE for another name, or rename that one."
    return "Rename it, or delete it there."


def _edited(have: Found, doing: str) -> str:
    return (
        f"the {have.kind} “{have.title}” (uid {have.uid}) was edited in Grafana by "
        f"{have.edited_by}. To keep that, save it there under another name; then {doing} with "
        "--overwrite."
    )
