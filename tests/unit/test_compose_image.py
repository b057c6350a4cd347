"""The Dockerfile builds what the code is: stages, files, packages, users, the part of the lock."""

import re

import pytest

from provisioning.compose.locked import part
from tests.support.compose_file import ROOT, instructions, stages


def test_stages_begin_with_pinned_images() -> None:
    for image in stages().values():
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+[a-z-]*", image)


def test_what_is_copied_is_there_and_not_ignored() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for word, said in instructions():
        if word != "COPY":
            continue
        *sources, _ = said.removeprefix("--chmod=0755 ").split()
        if sources[0].startswith("--from="):
            assert sources[0].removeprefix("--from=") in stages()
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(source == name or source.startswith(f"{name}/") for name in allowed), source


def test_every_package_of_ours_is_in_the_image() -> None:
    copied = {said.split()[0] for word, said in instructions() if word == "COPY"}
    packages = re.search(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.M)
    assert packages
    assert set(re.findall(r'"([a-z]+)"', packages[1])) <= copied


def test_images_end_as_the_user_that_compose_runs_them_as() -> None:
    users = [said for word, said in instructions() if word == "USER"]
    assert users == ["10001:10001"] * 2


def test_the_part_of_the_lock_is_whole_and_small() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    project = {
        "dependencies": ["aiohttp>=3.14", "ua-parser[regex]>=1.0"],
        "optional-dependencies": {"demo": ["opentelemetry-sdk>=1.45"]},
    }
    plain = part(lock, project, ["seamark"])
    assert re.search(r"^aiohttp==\S+ \\\n    --hash=sha256:", plain, re.M)
    assert re.search(r"^yarl==", plain, re.M)  # what aiohttp needs
    assert re.search(r"^ua-parser-rs==", plain, re.M)  # what its extra needs
    assert not re.search(r"^(pytest|mypy|opentelemetry-sdk)==", plain, re.M)
    assert re.search(r"^opentelemetry-sdk==", part(lock, project, ["seamark[demo]"]), re.M)
    with pytest.raises(KeyError, match="no nothing-of-the-kind"):
        part(lock, project, ["nothing_of.the-kind"])


# --- configurations of the servers --------------------------------------------------------------
