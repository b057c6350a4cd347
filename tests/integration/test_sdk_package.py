"""The package of the Python SDK: its files, that it is made the same twice, that it works."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from tests.support.sdk_log import WRAPPERS, sdk_environment


def build(source: Path, folder: Path) -> dict[str, Path]:
    """Wheel and sdist of a copy of the package, by its own build back-end."""
    shutil.copytree(source, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "dist"))
    code = (
        "from hatchling.build import build_sdist, build_wheel;"
        "build_wheel('out'); build_sdist('out')"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder / "source",
        env={**os.environ, "SOURCE_DATE_EPOCH": "1795316640"},
        check=True,
        capture_output=True,
    )
    return {path.suffix: path for path in (folder / "source" / "out").iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(WRAPPERS / "python", tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def installed(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(built[".whl"]) as wheel:
        wheel.extractall(folder)  # noqa: S202  # our own wheel
    return folder


def test_wheel_and_sdist_are_made_the_same_twice(built: dict[str, Path], tmp_path: Path) -> None:
    again = build(WRAPPERS / "python", tmp_path)
    for suffix, path in built.items():
        digests = [hashlib.sha256(one.read_bytes()).hexdigest() for one in (path, again[suffix])]
        assert digests[0] == digests[1], path.name


def test_the_wheel_has_types_licence_and_every_module(installed: Path) -> None:
    there = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    source = WRAPPERS / "python" / "src"
    wanted = {str(path.relative_to(source)) for path in source.rglob("*.py")}
    assert wanted | {"seamark_sdk/py.typed"} <= there
    assert any(name.endswith("licenses/LICENSE") for name in there)


def test_the_sdist_has_its_readme_changelog_and_licence(built: dict[str, Path]) -> None:
    with tarfile.open(built[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"} <= names


def test_the_readme_gives_a_reason_for_each_dependency(installed: Path) -> None:
    dist: Distribution = PathDistribution(next(installed.glob("*.dist-info")))
    readme = (WRAPPERS / "python" / "README.md").read_text()
    required = [one for one in dist.requires or [] if "extra ==" not in one]
    assert required
    for one in required:
        assert f"| {one.partition('>')[0]} |" in readme
    assert dist.metadata["License-Expression"] == "Apache-2.0"


def test_the_installed_package_configures_by_its_entry_point(installed: Path) -> None:
    """As `opentelemetry-instrument` does: the configurator by its group, nothing else."""
    code = (
        "from importlib.metadata import entry_points\n"
        "(point,) = entry_points(group='opentelemetry_configurator', name='seamark')\n"
        "point.load()().configure()\n"
        "import seamark_sdk\n"
        "from opentelemetry import trace\n"
        "assert seamark_sdk.stats()['tracked'] == 0\n"
        "assert type(trace.get_tracer_provider()).__module__.startswith('opentelemetry.sdk')\n"
        "print(seamark_sdk.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **sdk_environment(
                SEAMARK_KEY="smk_unused",
                SEAMARK_ENDPOINT="http://127.0.0.1:9",
                SEAMARK_SPOOL_DIR=str(installed / "spool"),
            ),
            "PYTHONPATH": str(installed),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(installed))
