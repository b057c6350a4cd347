"""The package @seamark/web: vectors, sizes, files; and that it is made the same twice."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import vector_check

from tests.support.web_browser import build_sdk
from tests.support.web_site import WEB

KB = 1024
MOST_BYTES = {
    "dist/core.js": 6 * KB,
    "dist/index.js": 10 * KB,
    "dist/seamark.iife.js": 10 * KB,
    "dist/attribution.js": 13 * KB,
    "dist/snippet.html": 409,
}
"""Compressed by gzip -9."""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    build_sdk()


def script(name: str, **environment: str) -> str:
    done = subprocess.run(
        [str(WEB / "build.sh"), name],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pack(folder: Path) -> Path:
    folder.mkdir()
    script("pack", SEAMARK_PACK_FOLDER=str(folder))
    (packed,) = folder.iterdir()
    return packed


def test_the_suite_runs_every_vector(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    script("report", SEAMARK_VECTOR_REPORT=str(report))

    def check() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, vector_check.__file__, str(report)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    done = check()
    assert done.returncode == 0, done.stdout
    assert done.stdout.strip() == vector_check.summary("seamark-web")
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")

    told: dict[str, Any] = json.loads(report.read_text())
    left_out = told["passed"].pop()
    report.write_text(json.dumps(told))
    done = check()
    assert done.returncode == 1
    assert f"{left_out} was not run" in done.stdout


@pytest.mark.parametrize("name", MOST_BYTES)
def test_a_bundle_is_no_larger_than_promised(name: str) -> None:
    assert len(gzip.compress((WEB / name).read_bytes(), 9, mtime=0)) <= MOST_BYTES[name]


def test_the_sizes_in_the_document_are_those_of_the_bundles() -> None:
    page = (WEB.parents[1] / "docs" / "sdk" / "web.md").read_text()
    for name in MOST_BYTES:
        size = len(gzip.compress((WEB / name).read_bytes(), 9, mtime=0))
        (told,) = re.findall(rf"^\| .*`{re.escape(Path(name).name)}` \| ([\d.]+) KB", page, re.M)
        assert float(told) == pytest.approx(size / KB, abs=0.1), name


def test_the_package_is_made_the_same_twice_with_all_its_files(tmp_path: Path) -> None:
    first = pack(tmp_path / "first")
    script("dist")
    second = pack(tmp_path / "second")

    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)]
    assert digests[0] == digests[1]
    with tarfile.open(first) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
    document = json.loads((WEB / "package.json").read_text())
    for entry in document["exports"].values():
        for path in entry.values() if isinstance(entry, dict) else [entry]:
            assert path.removeprefix("./") in names
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "dist/seamark.iife.js",
        "dist/snippet.html",
    } <= names
    assert not {name for name in names if name.startswith(("src", "test", "build"))}


def test_the_package_depends_on_nothing() -> None:
    document = json.loads((WEB / "package.json").read_text())
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & document.keys()


def test_the_lock_names_no_host() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]


def test_the_version_is_the_same_everywhere() -> None:
    version = json.loads((WEB / "package.json").read_text())["version"]
    assert f"VERSION = '{version}'" in (WEB / "src" / "version.ts").read_text()
    assert f"## {version}" in (WEB / "CHANGELOG.md").read_text()
