"""When two bodies say the same although Grafana adds to what it saves, and what a failure says."""

from typing import Any

import pytest
from typer.testing import CliRunner

from grafana.push.difference import lines, same
from grafana.push.failures import explained, too_old
from grafana.push.objects import REDACTED, DesiredState, Found, Owner
from seamark.cli import app
from seamark.cli_grafana import _OURS
from seamark.service.registry import new_secret


@pytest.mark.parametrize(
    ("ours", "theirs", "agree"),
    [
        ({"a": 1}, {"a": 1, "added": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"labels": {"a": "b"}}, {"labels": {"a": "b", "c": "d"}}, False),
        ({"x": {"annotations": {}}}, {"x": {"annotations": {"c": "d"}}}, False),
        ({"url": "secret"}, {"url": REDACTED}, True),
        ({"a": None}, {}, True),
        ({"a": []}, {}, True),
        ({"a": False}, {"a": 0}, False),
        ({"a": False}, {}, False),
        ({"a": {"b": 1}}, {"a": None}, False),
    ],
)
def test_same(ours: Any, theirs: Any, agree: bool) -> None:
    assert same(ours, theirs) is agree


def test_a_diff_is_readable_and_leaves_out_what_only_grafana_has() -> None:
    want = DesiredState("alert rule", "r", "R", {"for": "5m", "labels": {"a": "1"}})
    body = {"for": "1h", "labels": {"a": "1", "b": "2"}, "id": 4, "updated": "now"}
    have = Found("alert rule", "r", "R", Owner.OURS, body)
    assert lines(want, have) == [
        "--- in Grafana",
        "+++ to push",
        "-for: 1h",
        "+for: 5m",
        " labels:",
        "   a: '1'",
        "-  b: '2'",
    ]
    assert lines(want, None) == []


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, {"message": "Invalid API key"}, "does not know the token (401: Invalid API key)"),
        (403, {"message": "No. Permissions needed: folders:create"}, "it lacks folders:create"),
        (403, {"message": "Access denied"}, "may not x (403): Access denied"),
        (412, {"message": "changed by someone else"}, "it was changed at the same moment"),
        (500, "<html>\n oops", "could not x: 500: <html> oops"),
        (0, "timed out", "no answer in time (timed out)"),
    ],
)
def test_explained(status: int, answer: Any, words: str) -> None:
    assert words in explained(status, answer, "x")


@pytest.mark.parametrize(
    ("version", "old"),
    [("12.2.9", True), ("9.5.0", True), ("12.3.0", False), ("13.0.1+security-01", False),
     ("100.0.0", False), ("", False), ("main-123", False)],
)  # fmt: skip
def test_too_old(version: str, old: bool) -> None:
    assert bool(too_old(version)) is old


def test_secrets_are_refused_on_the_command_line_and_ours_in_the_place_of_grafanas() -> None:
    runner = CliRunner()
    literal = runner.invoke(app, ["grafana", "push", "--url", "http://x", "--token", "glsa_mine"])
    assert literal.exit_code == 1
    assert "--token takes no secret" in literal.output
    assert "glsa_mine" not in literal.output
    for kind in ("ingest", "query", "admin"):
        assert new_secret(kind).startswith(_OURS)
