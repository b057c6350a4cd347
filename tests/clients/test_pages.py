"""The pages of `docs/send`, followed as they stand: what `seamark connect` prints."""

import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from seamark.sender.connect import DEFAULT, LANGUAGES, page
from tests.clients.clients import FOLDER, NODE, tool
from tests.clients.counted import ask
from tests.support.until import until
from tests.system.stack import SEAMARK, Stack

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[2]
PROGRAMS = {"python": "hello.py", "node": "hello.mjs", "go": "hello.go", "java": "Hello.java"}


def connect(stack: Stack, language: str, *more: str) -> str:
    ended = subprocess.run(
        [*SEAMARK, "connect", language, "--data", str(stack.data), *more],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return ended.stdout


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shell(lines: str, folder: Path) -> str:
    """What a shell prints; installing is left out, since the tests have the packages."""
    kept = [line for line in lines.splitlines() if not line.startswith(("pip ", "npm ", "go get "))]
    ended = subprocess.run(
        ["/bin/sh", "-eu", "-c", "\n".join(kept)],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def spans(stack: Stack, service: str) -> float:
    question = {
        "metric": "traces.span.duration",
        "filters": [{"key": "service", "value": service}],
        "granularity": "1d",
    }
    series = ask(stack, "/v1/query/timeseries", question)["series"]
    return float(sum(row[1] for one in series for row in one["rows"]))


def command(language: str, folder: Path) -> str:
    """How its program is run."""
    if language == "python":
        return f"{sys.executable} hello.py"
    if language == "node":
        NODE.ready()
        (folder / "node_modules").symlink_to(FOLDER / "node" / "node_modules")
        return f"{tool('node')} hello.mjs"
    if language == "go":
        for name in ("go.mod", "go.sum"):
            shutil.copy(FOLDER / "go" / name, folder)
        return f"{tool('go')} run hello.go"
    from tests.clients.clients import JAVA

    (_, _, path, _) = JAVA.ready()
    return f"{tool('java')} -cp {path} Hello.java"


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_page_that_is_followed_sends_a_span(
    stack: Stack, tmp_path: Path, request: pytest.FixtureRequest, language: str
) -> None:
    if language in ("go", "java") and not request.config.getoption("--all-pages", default=False):
        pytest.skip("needs a build: --all-pages")
    service = f"hello-{secrets.token_hex(4)}"
    text = connect(stack, language, "--service", service)
    assert stack.credentials["ingest_key"] not in text
    name = PROGRAMS[language]
    (program,) = blocks(text, {"node": "js"}.get(language, language))
    assert f"`{name}`" in text
    (tmp_path / name).write_text(program)
    (lines,) = blocks(text, "sh")
    assert "hello" in shell(f"{lines}\n{command(language, tmp_path)}", tmp_path)
    until(lambda: spans(stack, service), lambda found: found == 1)


def test_the_page_of_curl_sends_an_event_and_a_log_record(stack: Stack, tmp_path: Path) -> None:
    (lines,) = blocks(connect(stack, "curl"), "sh")
    said = shell(lines, tmp_path)
    assert '"accepted":1' in said


def test_the_page_of_the_browser_sends_a_page_view(stack: Stack, tmp_path: Path) -> None:
    """With Node in the browser's place: its `fetch` is that of browsers."""
    (code,) = blocks(connect(stack, "browser", "--show-key"), "js")
    path = f"/{secrets.token_hex(4)}"
    (tmp_path / "page.mjs").write_text(
        f'globalThis.location = {{ pathname: "{path}" }};\n{code}\n'
        "const answer = await sent;\nconsole.log(answer.status, await answer.text());\n"
    )
    said = shell(f"{tool('node')} page.mjs", tmp_path)
    assert said.startswith("202 ")
    assert '"accepted":1' in said


@pytest.mark.parametrize("grpc", [False, True], ids=["http", "grpc"])
def test_the_variables_of_status_are_those_that_a_client_takes(
    stack: Stack, tmp_path: Path, grpc: bool
) -> None:
    ended = subprocess.run(
        [*SEAMARK, "status", "--data", str(stack.data)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert stack.credentials["ingest_key"] not in ended.stdout
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={stack.urls.ingest}" in ended.stdout
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={stack.urls.grpc}" in ended.stdout
    assert str(stack.data / "credentials.json") in ended.stdout
    service = f"hello-{secrets.token_hex(4)}"
    text = connect(stack, "python", "--service", service, *(["--grpc"] if grpc else []))
    (lines,) = blocks(text, "sh")
    (program,) = blocks(text, "python")
    if grpc:
        program = program.replace("otlp.proto.http", "otlp.proto.grpc")
    (tmp_path / "hello.py").write_text(program)
    shell(f"{lines}\n{sys.executable} hello.py", tmp_path)
    until(lambda: spans(stack, service), lambda found: found == 1)


def doctor(stack: Stack, *more: str, **variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, and verdict and words by what was looked at."""
    ended = subprocess.run(
        [*SEAMARK, "doctor", "--data", str(stack.data), *more],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert stack.credentials["ingest_key"] not in ended.stdout + ended.stderr
    found = {}
    for line in ended.stdout.splitlines():
        verdict, what, says = line.split(maxsplit=2)
        found[what] = (verdict, says)
    return ended.returncode, found


def test_doctor_finds_nothing_in_the_way_of_a_healthy_stack(stack: Stack) -> None:
    told: Mapping[str, str] = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.urls.ingest.replace("127.0.0.1", "localhost"),
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={stack.credentials['ingest_key']}",
    }
    code, found = doctor(stack, "--origin", "http://shop.example.com", **told)
    assert code == 0
    assert {what: verdict for what, (verdict, _) in found.items()} == dict.fromkeys(
        ("credentials", "reachable", "clock", "key", "gRPC", "sizes", "CORS", "variables"), "ok"
    )


def test_doctor_names_what_is_in_the_way(stack: Stack, tmp_path: Path) -> None:
    wrong = tmp_path / "credentials.json"
    wrong.write_text('{"app": "demo", "ingest_key": "smk_mistyped"}')
    wrong.chmod(0o644)
    code, found = doctor(
        stack, "--credentials", str(wrong), "--url", stack.urls.ingest,
        "--origin", "https://shop.example.com",
        OTEL_EXPORTER_OTLP_ENDPOINT=stack.urls.grpc, OTEL_EXPORTER_OTLP_HEADERS="x-api-key=smk_a",
    )  # fmt: skip
    assert code == 1
    assert found["credentials"][0] == "WARNING"
    assert "chmod 600" in found["credentials"][1]
    assert found["key"][0] == "FAULT"
    assert "not taken (401" in found["key"][1]
    assert found["gRPC"][0] == "WARNING"
    assert "UNAUTHENTICATED" in found["gRPC"][1]
    assert found["CORS"][0] == "FAULT"
    assert found["variables"][0] == "FAULT"


def test_doctor_says_where_nothing_listens(stack: Stack) -> None:
    code, found = doctor(stack, "--url", "http://127.0.0.1:9")
    assert code == 1
    assert found["reachable"] == (
        "FAULT",
        "http://127.0.0.1:9/readyz: nothing listens there. Is it up (`seamark status`)?",
    )


def test_the_documentation_has_every_page(tmp_path: Path) -> None:
    for language in LANGUAGES:
        written = (ROOT / "docs/send" / f"{language}.md").read_text()
        assert written == page(language, DEFAULT, service="hello"), "run `make docs`"
    assert {path.stem for path in (ROOT / "docs/send").glob("*.md")} == {*LANGUAGES, "README"}
