"""What a push would do: laws over any state of a Grafana, and the cases one by one."""

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grafana.push.objects import (
    ALERT_FOLDER,
    DASHBOARD_FOLDER,
    KINDS,
    REDACTED,
    DesiredState,
    Found,
    Kind,
    Owner,
    is_ours,
)
from grafana.push.plan import PushPlan, PushStep, plan
from grafana.push.report import done, headline, listing, refusal, summary

UIDS = ("seamark-a", "seamark-b", "theirs")
TITLES = ("A", "B", "C")
BODIES: tuple[dict[str, Any], ...] = ({"x": 1}, {"x": 2, "labels": {"a": "b"}}, {})
PLACE = {"dashboard": DASHBOARD_FOLDER, "alert rule": ALERT_FOLDER}
COMPLETE = {"url": "http://a", "secureJsonData": {"token": "t"}}


def wanted(kind: Kind, uid: str, title: str, body: dict[str, Any]) -> DesiredState:
    more = COMPLETE if kind == "datasource" else {}
    return DesiredState(kind, uid, title, body | more)


wishes = st.lists(
    st.builds(wanted, st.sampled_from(KINDS), st.sampled_from(UIDS[:2]), st.sampled_from(TITLES),
              st.sampled_from(BODIES)),
    unique_by=lambda each: each.key,
)  # fmt: skip
states = st.lists(
    st.builds(
        Found,
        st.sampled_from(KINDS),
        st.sampled_from(UIDS),
        st.sampled_from(TITLES),
        st.sampled_from(Owner),
        st.sampled_from(BODIES),
        folder=st.sampled_from(("", DASHBOARD_FOLDER, ALERT_FOLDER)),
        edited_by=st.sampled_from(("", "ann")),
    ),
    unique_by=lambda each: each.key,
)


def carried_out(steps: Iterable[PushStep], state: Iterable[Found]) -> list[Found]:
    """A model of Grafana: the state after these steps, with defaults that it adds."""
    there = {each.key: each for each in state}
    for step in steps:
        if step.want is None:
            del there[step.object.key]
        elif step.action in ("create", "update"):
            body = {k: copy.deepcopy(v) for k, v in step.want.body.items()}
            secret = body.pop("secureJsonData", None)
            before = there.get(step.want.key)
            folder = before.folder if before else PLACE.get(step.want.kind, "")
            kept = {} if secret is None else {"secureJsonFields": {"token": True}}
            there[step.want.key] = Found(
                step.want.kind,
                step.want.uid,
                step.want.title,
                Owner.OURS,
                body | kept | {"added": True},
                folder=folder,
            )
    return list(there.values())


@given(wishes, states, st.booleans())
def test_a_push_twice_changes_nothing_the_second_time(
    wish: list[DesiredState], state: list[Found], overwrite: bool
) -> None:
    first = plan(wish, state, overwrite=overwrite)
    if first.refusals:
        return
    again = plan(wish, carried_out(first.steps, state), overwrite=overwrite)
    assert not again.changes
    assert not again.refusals


@given(wishes, states, st.booleans(), st.booleans())
def test_what_is_not_ours_is_never_changed(
    wish: list[DesiredState], state: list[Found], overwrite: bool, renew: bool
) -> None:
    made = plan(wish, state, overwrite=overwrite, renew_secrets=renew)
    for step in made.changes:
        assert step.have is None or step.have.owner is Owner.OURS
    if not made.refusals:
        theirs = [each for each in state if each.owner is not Owner.OURS]
        assert all(each in carried_out(made.steps, state) for each in theirs)


@given(wishes, states)
def test_edits_are_lost_only_when_asked(wish: list[DesiredState], state: list[Found]) -> None:
    for step in plan(wish, state).changes:
        assert step.have is None or not step.have.edited_by
    assert not any("edited" in why for why in plan(wish, state, overwrite=True).refusals)


@given(wishes, states)
def test_only_dashboards_and_rules_are_ever_deleted(
    wish: list[DesiredState], state: list[Found]
) -> None:
    for step in plan(wish, state, overwrite=True).steps:
        if step.action == "delete":
            assert step.object.kind in ("dashboard", "alert rule")
            assert step.object.key not in {each.key for each in wish}


BOARD = DesiredState("dashboard", "seamark-a", "A", {"panels": [1], "tags": ["t"]}, digest="d1")
THERE = Found(
    "dashboard", "seamark-a", "A", Owner.OURS, {"panels": [2]}, folder="seamark", stamp="d0"
)


def only(made: PushPlan) -> PushStep:
    (step,) = made.steps
    return step


def test_a_stamp_of_the_same_push_is_enough_whatever_grafana_made_of_the_form() -> None:
    assert only(plan([BOARD], [replace(THERE, stamp="d1")])).action == "unchanged"
    assert only(plan([BOARD], [THERE])).action == "update"


def test_an_edit_is_refused_by_name_and_overwritten_on_demand() -> None:
    edited = replace(THERE, stamp="", edited_by="ann")
    made = plan([BOARD], [edited])
    assert not made.steps
    assert "was edited in Grafana by ann" in made.refusals[0]
    assert "--overwrite" in made.refusals[0]
    assert only(plan([BOARD], [edited], overwrite=True)).action == "update"
    gone = plan([], [edited])
    assert "delete it with --overwrite" in gone.refusals[0]


def test_an_edit_with_equal_content_is_no_difference() -> None:
    edited = replace(THERE, stamp="", edited_by="ann", body={"panels": [1], "tags": ["t"], "y": 1})
    assert only(plan([BOARD], [edited])).action == "unchanged"


def test_a_name_is_free_in_another_folder_only() -> None:
    theirs = Found("dashboard", "x", "A", Owner.OTHERS, {}, folder="seamark")
    assert "named “A” is there already (uid x)" in plan([BOARD], [theirs]).refusals[0]
    assert not plan([BOARD], [replace(theirs, folder="elsewhere")]).refusals
    ours = replace(theirs, uid="seamark-old", owner=Owner.OURS)
    made = plan([BOARD], [ours])
    assert [step.action for step in made.steps] == ["delete", "create"], "its title is needed"


def test_a_new_datasource_needs_an_address_and_a_token() -> None:
    bare = DesiredState("datasource", "seamark", "Seamark", {"type": "t"})
    assert "--datasource-url" in plan([bare], []).refusals[0]
    there = Found("datasource", "seamark", "Seamark", Owner.OURS, {"type": "t", "url": "u"})
    assert only(plan([bare], [there])).action == "unchanged"


def test_a_group_with_a_persons_rule_is_in_the_way_only_when_it_has_to_change() -> None:
    group = DesiredState("rule group", "G", "G", {"interval": 60})
    there = Found("rule group", "G", "G", Owner.OTHERS, {"interval": 60})
    assert only(plan([group], [there])).action == "unchanged"
    made = plan([group], [replace(there, body={"interval": 300})])
    assert "Move the rules" in made.refusals[0]


def test_secrets_are_renewed_on_demand_and_never_shown() -> None:
    secrets: dict[tuple[str, ...], str] = {("settings", "url"): "$URL"}
    point = DesiredState("contact point", "seamark-s", "S", {"settings": {"url": "hush"}}, secrets)
    there = Found("contact point", "seamark-s", "S", Owner.OURS, {"settings": {"url": REDACTED}})
    same = plan([point], [there])
    assert not same.changes
    assert "was not compared" in same.notes[0]
    renewed = plan([point], [there], renew_secrets=True)
    assert "its secrets are sent again" in headline(only(renewed))
    other = plan([point], [replace(there, body={"settings": {"url": "old hush"}})])
    for made in (same, renewed, other):
        text = "\n".join([*listing(made, most=None), *made.notes, summary(made), done(made)])
        assert "hush" not in text
    assert "(from $URL)" in "\n".join(listing(other, most=None))


def test_a_report_counts_and_cuts() -> None:
    before = replace(THERE, body={"panels": list(range(50))})
    made = plan([BOARD], [before])
    assert summary(made) == "1 to update, 0 unchanged"
    assert done(made) == "1 updated"
    text = list(listing(made, most=5))
    assert text[0] == "~ update dashboard “A” (seamark-a)"
    assert "more lines; --dry-run" in text[-1]
    assert len(list(listing(made, most=None))) > 40
    assert done(plan([], [])) == "nothing to do: all 0 objects are as they should be"
    assert list(refusal(plan([], []))) == ["nothing was changed"]


def test_ours_needs_the_mark_and_the_uid() -> None:
    assert is_ours("seamark-a", ["seamark", "managed-by-seamark"])
    assert not is_ours("seamark-a", ["seamark"]), "people tag theirs so, to be in our menu"
    assert not is_ours("copy", ["managed-by-seamark"]), "copies keep tags"
    assert is_ours("seamark-a", {"managed_by": "seamark"})
    assert not is_ours("seamark-a", {"team": "seamark"})
    assert not is_ours("x", {"managed_by": "seamark"})
