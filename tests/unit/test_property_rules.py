"""tests/properties/README.md names tests that exist."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "properties"
NAMED = sorted(set(re.findall(r"`(\S+\.py)(?:::(\w+))?`", (FOLDER / "README.md").read_text())))


@pytest.mark.parametrize(("file", "test"), [one for one in NAMED if "/unit/" not in one[0]])
def test_what_holds_a_rule_exists(file: str, test: str) -> None:
    text = (FOLDER / file).read_text()
    assert re.search(rf"^(?:async )?def {test}\b" if test else "", text, re.M), (file, test)
