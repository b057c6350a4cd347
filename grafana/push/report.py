"""A plan as text: what would be done, what stands in the way, in which lines it differs. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from grafana.push.difference import lines
from grafana.push.plan import Action, PushPlan, PushStep

_SIGNS: Final[dict[Action, str]] = {"create": "+", "update": "~", "delete": "-", "unchanged": "="}
_DONE: Final[dict[Action, str]] = {"create": "created", "update": "updated", "delete": "deleted"}


def summary(plan: PushPlan) -> str:
    """One line: how many of what."""
    counted = Counter(step.action for step in plan.steps)
    said = [f"{counted[action]} to {action}" for action in _DONE if counted[action]]
    return ", ".join([*said, f"{counted['unchanged']} unchanged"])


def listing(plan: PushPlan, *, most: int | None) -> Iterator[str]:
    """Each step that changes something, with its diff of at most `most` lines."""
    for step in plan.changes:
        yield headline(step)
        diff = lines(step.want, step.have)
        cut = diff if most is None else diff[:most]
        yield from (f"    {line}" for line in cut)
        if len(diff) > len(cut):
            yield f"    … {len(diff) - len(cut)} more lines; --dry-run shows them all"


def headline(step: PushStep) -> str:
    """What becomes of one object."""
    about = step.object
    name = f"“{about.title}”" + (f" ({about.uid})" if about.uid != about.title else "")
    again = ""
    if step.action == "update" and not lines(step.want, step.have):
        again = ": its secrets are sent again"
    return f"{_SIGNS[step.action]} {step.action} {about.kind} {name}{again}"


def done(plan: PushPlan) -> str:
    """What was done, in one line."""
    counted = Counter(step.action for step in plan.changes)
    if not counted:
        return f"nothing to do: all {len(plan.steps)} objects are as they should be"
    return ", ".join(
        f"{counted[action]} {word}" for action, word in _DONE.items() if counted[action]
    )


def refusal(plan: PushPlan) -> Iterator[str]:
    """Why nothing is done."""
    for reason in plan.refusals:
        yield f"refused: {reason}"
    yield "nothing was changed"
