"""When a push must not, or cannot: each says why and what to do, and changes nothing."""

import ssl
import subprocess
from pathlib import Path

import pytest

from tests.integration.push_command import a_rule, done, push
from tests.integration.push_grafana import TOKEN, State, serving

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_an_edit_in_grafana_is_named_and_needs_overwrite(grafana_url: str, grafana: State) -> None:
    done(push(grafana_url))
    saved = grafana.dashboards["seamark-ledger"]["dashboard"]
    grafana.save_dashboard(saved | {"panels": [], "title": "Mine"}, "seamark", "tidied", "ann")
    before = grafana.standing()
    refused = push(grafana_url)
    assert refused.returncode == 1
    assert "(uid seamark-ledger) was edited in Grafana by ann" in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert grafana.standing() == before
    assert "1 updated" in done(push(grafana_url, "--overwrite"))
    assert grafana.dashboards["seamark-ledger"]["dashboard"]["title"] == "Ledger"
    assert "nothing to do" in done(push(grafana_url))


def test_others_of_the_same_uid_or_name_are_refused_by_name(
    grafana_url: str, grafana: State
) -> None:
    grafana.save_dashboard({"uid": "seamark-logs", "title": "My logs"}, "", "", "ann")
    grafana.folders["x"] = {"id": 1, "uid": "x", "title": "Seamark alerts", "version": 1}
    before = grafana.standing()
    refused = push(grafana_url)
    assert refused.returncode == 1
    assert "“My logs” (uid seamark-logs) is others'" in refused.stderr
    assert "a folder named “Seamark alerts” is there already (uid x)" in refused.stderr
    assert grafana.standing() == before
    del grafana.dashboards["seamark-logs"]
    done(push(grafana_url, "--folder", "Telemetry"))
    titles = {folder["title"] for folder in grafana.folders.values()}
    assert titles == {"Seamark alerts", "Telemetry", "Telemetry alerts"}
    assert "nothing to do" in done(push(grafana_url)), "a folder's title stays when none is given"


def test_what_files_provisioned_is_refused(grafana_url: str, grafana: State) -> None:
    done(push(grafana_url))
    grafana.dashboards["seamark-logs"]["meta"]["provisioned"] = True
    grafana.rules[a_rule(grafana)]["provenance"] = "file"
    refused = push(grafana_url)
    assert refused.returncode == 1
    assert refused.stderr.count("provisioned from files, not made by a push") >= 2


def test_each_failure_says_what_to_do(grafana_url: str, grafana: State, tmp_path: Path) -> None:
    def fails(*more: str, **variables: str) -> str:
        result = push(grafana_url, *more, **variables)
        assert result.returncode == 1, result.stdout + result.stderr
        assert TOKEN not in result.stderr
        return result.stderr

    assert "does not know the token (401: Invalid API key)" in fails(token="glsa_wrong")
    assert "no token" in fails(token="")
    assert "token of Seamark's" in fails(token="smq_mine")
    assert "--token takes no secret" in fails("--token", "glsa_literal")
    missing = fails(SEAMARK_GRAFANA_DATASOURCE_TOKEN="")
    assert "no datasource of ours yet" in missing
    grafana.lacks = {"datasources:create"}
    partly = fails()
    assert "it lacks datasources:create" in partly
    assert "the next push makes the rest" in partly
    grafana.lacks = set()
    assert "created" in done(push(grafana_url))
    grafana.version = "12.2.9"
    assert "this Grafana is 12.2.9; a push needs 12.3 or newer" in fails()
    grafana.version = "13.0.1+security-01"
    grafana.plugins.clear()
    assert "plugin seamark-datasource is not installed" in fails()


def test_the_token_comes_from_stdin_or_a_file(
    grafana_url: str, grafana: State, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    done(push(grafana_url, "--token", "-", token="", given=f"{TOKEN}\n"))
    done(push(grafana_url, "--token", f"@{file}", token=""))
    done(push(grafana_url, "--token-file", str(file), token=""))


def test_a_datasource_that_does_not_answer_is_reported_afterwards(
    grafana_url: str, grafana: State
) -> None:
    grafana.health = "401: the token was refused"
    result = push(grafana_url)
    assert result.returncode == 0
    assert "check of the datasource fails: " in result.stderr
    assert "the token was refused" in result.stderr


def test_a_certificate_is_checked_unless_that_is_switched_off(
    grafana: State, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    named = [
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=grafana",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *named, *files], check=True, capture_output=True, timeout=60)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with serving(grafana, tls) as address:
        refused = push(address)
        assert refused.returncode == 1
        assert "its certificate is not trusted" in refused.stderr
        assert "Say --ca FILE" in refused.stderr
        assert "created" in done(push(address, "--ca", str(certificate)))
        insecure = push(address, "--insecure")
        assert "nothing to do" in done(insecure)
        assert "Warning" not in insecure.stderr


def test_an_address_that_is_no_grafana_or_only_a_redirect_is_named(
    grafana_url: str, grafana: State
) -> None:
    with serving(State(moved_to="https://grafana.example.com/api/health")) as moved:
        assert "sends us to https://grafana.example.com" in push(moved).stderr
    nothing = push(f"{grafana_url}/elsewhere")
    assert "does not answer as a Grafana does (401: " in nothing.stderr
    assert "not an address like" in push("grafana.example.com").stderr


def test_an_edit_at_the_same_moment_is_kept(grafana_url: str, grafana: State) -> None:
    done(push(grafana_url))
    grafana.history["seamark-logs"][-1]["message"] = "seamark grafana push 0123456789abcdef"
    grafana.dashboards["seamark-logs"]["dashboard"]["title"] = "Before an upgrade"
    grafana.meanwhile = "seamark-logs"
    lost = push(grafana_url)
    assert lost.returncode == 1
    assert "it was changed at the same moment (412: The dashboard has been" in lost.stderr
    assert grafana.dashboards["seamark-logs"]["dashboard"]["title"] == "Theirs"
