"""compose.yaml against the Compose specification's own schema, and the Dockerfile under a linter.

The schema comes with compose-go, the library that Docker Compose is made of, as a Go module.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from tests.support.compose_file import ROOT, compose
from tests.support.servers import binary

pytestmark = pytest.mark.integration
MODULE: Final = "github.com/compose-spec/compose-go/v2@v2.16.2"


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs Go, which fetches the schema as a part of its module")
    told = subprocess.run(
        [go, "mod", "download", "-json", MODULE],
        cwd=tmp_path_factory.mktemp("go"),
        check=True,
        capture_output=True,
        timeout=300,
    )
    folder = Path(json.loads(told.stdout)["Dir"])
    found: dict[str, object] = json.loads((folder / "schema/compose-spec.json").read_text())
    return found


def test_the_file_is_of_the_specification(schema: dict[str, object]) -> None:
    jsonschema.validate(compose(), schema)


def test_the_schema_refuses_what_it_does_not_know(schema: dict[str, object]) -> None:
    broken = compose()
    broken["services"]["api"]["heathcheck"] = {}
    with pytest.raises(jsonschema.ValidationError, match="heathcheck"):
        jsonschema.validate(broken, schema)


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    ended = subprocess.run(
        [binary("hadolint"), str(ROOT / "Dockerfile")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout
