"""What `seamark apply` makes of a file and of what is there: the steps, and how they read."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamark.administration.plan import Step, difference, plan
from seamark.administration.secrets_file import SecretsFile
from seamark.administration.table import shown
from seamark.administration.wanted import WantedOrg, WrongFile, fields_of, orgs, read_wanted
from seamark.service.registry.settings import AppSettings, OrgSettings

FILE = {
    "orgs": {
        "acme": {
            "plan": "team",
            "apps": {"shop": {"platform": "web", "lateWindowSeconds": 7200}, "kiosk": None},
        },
        "umbra": None,
    }
}
ACME = {"orgId": "acme", "name": "Acme", "plan": "free"}
SHOP = {"orgId": "acme", "appId": "shop", "platform": "web", "lateWindowSeconds": 3600}
OLD = {"orgId": "acme", "appId": "old", "platform": ""}


def wanted(found: object = FILE) -> dict[str, WantedOrg]:
    problems: list[str] = []
    made = orgs(found, problems)
    assert not problems
    return made


def test_the_steps_and_how_they_read() -> None:
    steps = plan(wanted(), orgs=[ACME, {"orgId": "other"}], apps=[SHOP, OLD], prune=True)

    assert [(step.doing, step.name) for step in steps] == [
        ("update", "org acme"),
        ("update", "app acme/shop"),
        ("create", "app acme/kiosk"),
        ("create", "org umbra"),
        ("delete", "app acme/old"),
        ("delete", "org other"),
    ]
    assert difference(steps).splitlines() == [
        "~ org acme",
        '    plan: "free" -> "team"',
        "~ app acme/shop",
        "    lateWindowSeconds: 3600 -> 7200",
        "+ app acme/kiosk, with its first key",
        "+ org umbra",
        "- app acme/old",
        "- org other",
        "2 to add, 2 to change, 2 to delete",
    ]


def test_nothing_is_deleted_unless_it_is_asked_for() -> None:
    steps = plan(wanted(), orgs=[ACME, {"orgId": "other"}], apps=[SHOP, OLD])
    assert not [step for step in steps if step.doing == "delete"]


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ([], "the file is a list"),
        ({"org": {}}, "there is no 'org' at the top"),
        ({"orgs": []}, "orgs is a list"),
        ({"orgs": {"a.b": {}}}, "'a.b' is no name"),
        ({"orgs": {1: {}}}, "1 is no name"),
        ({"orgs": {"acme": {"apps": {"sh op": {}}}}}, "'sh op' is no name"),
        ({"orgs": {"acme": {"colour": 1}}}, "there is no setting 'colour'; there are name, plan"),
        ({"orgs": {"acme": {"plan": 5}}}, "orgs.acme.plan: Expected `str`"),
        (
            {"orgs": {"acme": {"apps": {"shop": {"samplingRate": 4}}}}},
            "orgs.acme.apps.shop.samplingRate: Expected `float` <= 1.0",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(found: object, problem: str) -> None:
    problems: list[str] = []
    orgs(found, problems)
    assert problem in problems[0]


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text("orgs: {acme: {plan: 5, apps: {shop: {origins: [x]}}}}")
    with pytest.raises(WrongFile) as wrong:
        read_wanted(path)
    assert len(str(wrong.value).splitlines()) == 2
    for text, said in (("a: [", "is not YAML"), ("\x00", "is not YAML")):
        path.write_text(text)
        with pytest.raises(WrongFile, match=said):
            read_wanted(path)
    with pytest.raises(WrongFile, match="No such file"):
        read_wanted(tmp_path / "none.yaml")


def test_every_setting_can_be_declared_and_null_is_its_default() -> None:
    every = dict.fromkeys(fields_of(AppSettings))
    found = {"acme": {**dict.fromkeys(fields_of(OrgSettings)), "apps": {"shop": every}}}
    acme = wanted({"orgs": found})["acme"]
    assert acme.settings["plan"] == "free"
    assert acme.apps["shop"].keys() == every.keys()
    assert acme.apps["shop"]["origins"] == ["*"]


_settings = st.fixed_dictionaries(
    {},
    optional={
        "platform": st.sampled_from(["", "web"]),
        "timeSource": st.sampled_from(["device", "received"]),
    },
)
_files = st.dictionaries(
    st.sampled_from(["acme", "other", "umbra"]),
    st.fixed_dictionaries(
        {"apps": st.dictionaries(st.sampled_from(["shop", "blog"]), _settings)},
        optional={"plan": st.sampled_from(["free", "team"])},
    ),
)


def done(
    steps: list[Step], orgs_: dict[str, Any], apps: dict[tuple[str, str], Any]
) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    """What the API would have after these steps; it refuses what could not be done."""
    for step in steps:
        key = (step.org, step.app)
        if not step.app:
            assert (step.org in orgs_) is (step.doing != "create")
            if step.doing == "delete":
                assert not [app for app in apps if app[0] == step.org]
                del orgs_[step.org]
            else:
                old = orgs_.get(step.org, {"orgId": step.org, "plan": "free", "name": step.org})
                orgs_[step.org] = {**old, **step.settings}
        elif step.doing == "delete":
            del apps[key]
        else:
            assert step.org in orgs_
            assert (key in apps) is (step.doing == "update")
            new = {"orgId": step.org, "appId": step.app, "platform": "", "timeSource": "device"}
            apps[key] = {**apps.get(key, new), **step.settings}
    return orgs_, apps


@given(before=_files, after=_files, prune=st.booleans())
def test_applied_twice_it_changes_nothing(before: Any, after: Any, prune: bool) -> None:
    """Whatever was there, every step can be done in its turn, and then the file is true."""
    first, second = wanted({"orgs": before}), wanted({"orgs": after})
    there, apps = done(plan(first, orgs=[], apps=[]), {}, {})

    steps = plan(second, orgs=there.values(), apps=apps.values(), prune=prune)
    there, apps = done(steps, there, apps)

    assert plan(second, orgs=there.values(), apps=apps.values(), prune=prune) == []
    if prune:
        assert there.keys() == second.keys()


def test_a_secret_that_was_begun_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = SecretsFile(path).begin("acme/shop")

    again = SecretsFile(path)
    assert again.pending == {"acme/shop": key}
    assert again.begin("acme/shop") == key
    again.end("acme/shop", "smk_1")

    assert SecretsFile(path).pending == {}
    assert path.stat().st_mode & 0o777 == 0o600
    assert '"acme/shop": "smk_1"' in path.read_text()


def test_answers_read_as_tables_and_lines() -> None:
    assert shown({"orgs": []}) == "none"
    table = shown({"orgs": [{"orgId": "acme", "createdAt": 0, "expiresAt": None}]})
    assert table.splitlines()[1].split() == ["acme", "1970-01-01T00:00:00+00:00", "-"]
    assert shown({"keyId": "k", "origins": ["*"]}) == 'keyId: k\norigins: ["*"]'
