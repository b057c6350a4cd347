"""docs/privacy.md: its rules are valid, and do what its tables say."""

import re
from pathlib import Path

import msgspec
import pytest

from collector.admission.redaction.rules import DEFAULT_KEYS, REDACTED, Redactor
from collector.admission.redaction.text import redacted
from seamark.service.registry.settings import AppSettings
from seamark.wire.privacy import DETECTORS, RULES, Redaction, RedactionRule

PAGE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()
EXAMPLES = [
    (rule, sent, stored)
    for rule, table in re.findall(
        r"^```json rule\n(.*?)^```\n\n(\| sent \|.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE
    )
    for sent, stored in re.findall(r"^\| `(.*)` \| `(.*)` \|$", table, re.MULTILINE)
]


@pytest.mark.parametrize(("rule", "sent", "stored"), EXAMPLES)
def test_an_example_is_stored_as_the_page_says(rule: str, sent: str, stored: str) -> None:
    rules = (msgspec.json.decode(rule, type=RedactionRule),)
    assert redacted(Redactor(Redaction(rules=rules), salt="5a"), sent) == stored


def test_the_page_shows_examples_and_names_all_there_is() -> None:
    assert len(EXAMPLES) >= 7
    for name in (*DETECTORS, *DEFAULT_KEYS, f"{RULES} rules", REDACTED):
        assert name in PAGE, name


def test_the_setting_that_the_page_shows_is_one() -> None:
    [setting] = re.findall(r"^```json setting\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    decoded = msgspec.json.decode(setting, type=AppSettings)
    assert decoded.redaction.rules[0].name == "cards"
    assert decoded.attributes.deny == ("*.internal",)
