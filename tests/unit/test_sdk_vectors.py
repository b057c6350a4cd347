"""The Python SDK's core passes every vector, and a suite that leaves one out fails."""

import ast
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import vector_check
from seamark_sdk.core import sampling

from tests.support.sdk_vectors import FUNCTIONS

CASES = vector_check.cases()
CORE = Path(sys.modules["seamark_sdk.core.sampling"].__file__ or "").parent
PURE = frozenset(
    {
        *("collections", "dataclasses", "datetime", "email", "hashlib", "json", "math", "re"),
        *("string", "typing", "unicodedata"),
    }
)


@pytest.mark.parametrize("name", CASES)
def test_the_function_gives_what_the_vector_says(name: str) -> None:
    function, case = CASES[name]
    assert FUNCTIONS[function](case["in"]) == case["out"]


def report() -> dict[str, Any]:
    """What this suite runs and passes."""
    passed = [
        name for name, (of, case) in CASES.items() if FUNCTIONS[of](case["in"]) == case["out"]
    ]
    return {"sdk": "seamark-python", "sha256": vector_check.set_hash(), "passed": passed}


def checked(document: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "report.json"
    path.write_text(json.dumps(document))
    return subprocess.run(
        [sys.executable, vector_check.__file__, str(path)],
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_suite_runs_the_whole_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = checked(report(), tmp_path)

    assert done.returncode == 0, done.stdout
    assert done.stdout.strip() == vector_check.summary("seamark-python")
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")


@pytest.mark.parametrize("left_out", [0, -1])
def test_a_suite_that_leaves_one_vector_out_fails(left_out: int, tmp_path: Path) -> None:
    short = report()
    name = short["passed"].pop(left_out)

    done = checked(short, tmp_path)
    assert done.returncode == 1
    assert f"{name} was not run" in done.stdout


def test_a_suite_with_other_files_unknown_or_repeated_cases_fails(tmp_path: Path) -> None:
    told = report() | {"sha256": hashlib.sha256(b"old").hexdigest()}
    told["passed"] += ["id/unknown", told["passed"][0]]

    done = checked(told, tmp_path)
    assert done.returncode == 1
    assert "the set is" in done.stdout
    assert "id/unknown is no case" in done.stdout
    assert "reported 2 times" in done.stdout


def test_each_function_has_a_file_with_ten_cases_or_more() -> None:
    counts = Counter(function for function, _ in CASES.values())
    assert counts.keys() == FUNCTIONS.keys()
    assert {path.stem for path in vector_check.files()} == FUNCTIONS.keys()
    assert min(counts.values()) >= 10


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_the_core_imports_nothing_that_reads_or_writes(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        for name in names:
            assert name.partition(".")[0] in PURE or name.startswith("seamark_sdk.core"), name


def test_sampling_keeps_its_share_of_ids_that_differ_in_their_end() -> None:
    ids = [f"01900000-0000-7000-8000-{number:012x}" for number in range(20_000)]
    for rate in (0.01, 0.1, 0.5, 0.9):
        share = sum(sampling.kept(one, rate) for one in ids) / len(ids)
        assert abs(share - rate) < 0.015
