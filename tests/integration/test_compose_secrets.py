"""What `init` leaves in the volumes, and what Grafana's start makes of it."""

import json
import os
import ssl
import subprocess
from pathlib import Path

import pytest
import yaml

from provisioning.compose import certificates, layout
from provisioning.compose.__main__ import prepare
from provisioning.compose.healthy import healthy
from seamark.service.connections import CacheSettings, LogSettings
from seamark.service.settings import SettingsError, load
from tests.support.alert_routes import receivers
from tests.support.compose_file import CONFIGURATIONS, ROOT, services
from tests.support.servers import free_port

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("volumes")
    prepare(root)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_twice_is_as_good_as_once(volumes: Path) -> None:
    before = contents(volumes)
    prepare(volumes)
    assert contents(volumes) == before
    assert set(before) >= {f"secrets/{name}/ca.pem" for name in layout.SERVICES}


def test_only_the_owner_reads_them(volumes: Path) -> None:
    for path in (volumes / "secrets").rglob("*"):
        private = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & 0o777 == private or path.name in PUBLIC, path


PUBLIC = {"cert.pem", "ca.pem"}
"""Certificates: written by openssl with the mode of the umask, and sent to every client."""


def test_no_container_has_the_authoritys_key_or_anothers_password(volumes: Path) -> None:
    passwords = json.loads((volumes / "secrets/init/passwords.json").read_text())
    assert len(set(passwords.values())) == len(passwords)
    authority = (volumes / "secrets/init/ca-key.pem").read_text()
    expected = {
        "nats": {name for name in passwords if name.startswith("log_")},
        "redis": set(),  # digests
        "clickhouse": {"keeper", "objects"},
        "s3": {"objects"},
        "provisioning": {"log_provisioning", "store_provisioning"},
        "collector": {"log_collector", "cache_collector"},
        "rows": {"log_rows", "store_rows"},
        "archive": {"log_archive", "store_archive", "objects"},
        "api": {"log_api", "store_api", "cache_api", "objects"},
        "demo": set(),
        "grafana": {"grafana"},
        "admin": {"log_admin", "store_admin", "objects"},
    }
    for service in layout.SERVICES:
        seen = "".join(path.read_text() for path in (volumes / "secrets" / service).iterdir())
        assert authority not in seen
        has = {name for name, password in passwords.items() if password in seen}
        assert has == expected[service], service


def test_the_demo_has_a_key_and_grafana_a_token(volumes: Path) -> None:
    first = json.loads((volumes / "secrets/provisioning/credentials.json").read_text())
    demo = json.loads((volumes / "secrets/demo/credentials.json").read_text())
    assert demo == {"app": first["app"], "ingest_key": first["ingest_key"]}
    assert (volumes / "secrets/grafana/token").read_text() == first["query_token"]


def test_certificates_are_for_their_names_and_renewed_in_time(
    volumes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, nats = volumes / "secrets/init", volumes / "secrets/nats"
    context = ssl.create_default_context(cafile=str(nats / "ca.pem"))
    assert context.cert_store_stats()["x509_ca"] == 1
    for host in ("nats", "localhost"):
        subprocess.run(
            [
                *("openssl", "verify", "-CAfile", str(nats / "ca.pem"), "-x509_strict"),
                *("-purpose", "sslserver", "-verify_hostname", host, str(nats / "cert.pem")),
            ],
            check=True,
            capture_output=True,
        )
    assert not certificates.certify("nats", folder=nats, by=own)
    monkeypatch.setattr(certificates, "RENEW_DAYS", certificates.DAYS + 1)
    before = (nats / "cert.pem").read_bytes()
    assert certificates.certify("nats", folder=nats, by=own)
    assert (nats / "cert.pem").read_bytes() != before


def test_the_bucket_is_there(volumes: Path) -> None:
    assert (volumes / "volumes/objects/buckets" / layout.BUCKET).is_dir()


def test_secrets_are_read_from_files(volumes: Path) -> None:
    path = volumes / "secrets/rows/log"
    read = load(LogSettings, prefix="SEAMARK_LOG", environ={"SEAMARK_LOG_PASSWORD_FILE": str(path)})
    assert read.password == path.read_text()
    nothing = {"SEAMARK_CACHE_PASSWORD_FILE": "", "SEAMARK_CACHE_PASSWORD": "spoken"}
    assert load(CacheSettings, prefix="SEAMARK_CACHE", environ=nothing).password == "spoken"


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"SEAMARK_LOG_PASSWORD_FILE": "/nowhere/at/all"}, "cannot be read"),
        (
            {"SEAMARK_LOG_PASSWORD_FILE": "/dev/null", "SEAMARK_LOG_PASSWORD": "x"},
            "keep one of the two",
        ),
    ],
)
def test_a_secret_that_cannot_be_read_is_reported(environ: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        load(LogSettings, prefix="SEAMARK_LOG", environ=environ)


def test_only_secrets_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("nats://elsewhere")
    read = load(LogSettings, prefix="SEAMARK_LOG", environ={"SEAMARK_LOG_URL_FILE": str(file)})
    assert read.url == LogSettings().url


def started(volumes: Path, provisioning: Path, **more: str) -> tuple[Path, dict[str, str]]:
    """Run Grafana's start with `env` in Grafana's place: the folder it made, what it was told."""
    environment = services()["grafana"].environment | {
        "PATH": os.environ["PATH"],
        "GF_PATHS_PROVISIONING": str(provisioning),
        "SEAMARK_PROVISIONED": str(ROOT / "provisioning/grafana"),
        "SEAMARK_SECRETS": str(volumes / "secrets/grafana"),
    }
    told = subprocess.run(
        ["/bin/sh", str(CONFIGURATIONS / "grafana/start.sh"), "env"],
        env=environment | more,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    lines = (line.partition("=") for line in told.stdout.splitlines())
    return provisioning, {name: value for name, _, value in lines}


def test_grafana_gets_its_token_dashboards_and_rules(volumes: Path, tmp_path: Path) -> None:
    made, told = started(volumes, tmp_path / "made")
    assert told["SEAMARK_GRAFANA_TOKEN"] == (volumes / "secrets/grafana/token").read_text()
    assert (made / "dashboards/seamark/seamark-start.json").is_file()
    assert (made / "datasources/seamark.yaml").is_file()
    assert {path.name for path in (made / "alerting").iterdir()} == {"rules.yaml", "policy.yaml"}
    assert told["SEAMARK_GRAFANA_ORG"] == "demo"
    assert told["GF_SERVER_ROOT_URL"] == "http://127.0.0.1:3000/"
    assert (volumes / "secrets/grafana/ca.pem").read_text() in Path(
        told["SSL_CERT_FILE"]
    ).read_text()


def test_a_contact_point_comes_with_its_address(volumes: Path, tmp_path: Path) -> None:
    made, _ = started(
        volumes, tmp_path / "made", SEAMARK_ALERT_SLACK_URL="https://hooks.slack.com/services/x"
    )
    there = {path.name for path in (made / "alerting").iterdir()}
    assert there == {"rules.yaml", "policy.yaml", "contact-point-slack.yaml"}


ADDRESSES = {
    "Seamark Slack": "SEAMARK_ALERT_SLACK_URL",
    "Seamark e-mail": "SEAMARK_ALERT_EMAIL_ADDRESSES",
    "Seamark webhook": "SEAMARK_ALERT_WEBHOOK_URL",
    "Seamark PagerDuty": "SEAMARK_ALERT_PAGERDUTY_KEY",
}


@pytest.mark.parametrize("number", range(1, 16))
def test_an_alert_reaches_every_contact_point_that_has_an_address(
    volumes: Path, tmp_path: Path, number: int
) -> None:
    there = {name for place, name in enumerate(ADDRESSES) if number >> place & 1}
    variables = {ADDRESSES[name]: "https://example.com/x" for name in there}
    made, told = started(
        volumes, tmp_path / "made", SEAMARK_GRAFANA_ROOT_URL="https://g.example.com/", **variables
    )
    assert told["GF_SERVER_ROOT_URL"] == "https://g.example.com/"
    points, trees = set(), []
    for path in (made / "alerting").iterdir():
        saved = yaml.safe_load(path.read_text())
        points |= {point["name"] for point in saved.get("contactPoints", [])}
        trees += saved.get("policies", [])
    assert points == there
    (tree,) = trees
    assert {tree["receiver"], *(route["receiver"] for route in tree["routes"])} == there
    calm = there - {"Seamark PagerDuty"} or there
    for severity, hear in (("critical", there), ("warning", calm)):
        told_ones = receivers(tree, {"alertname": "x", "severity": severity})
        assert sorted(told_ones) == sorted(hear), "each of them once"
    assert set(receivers(tree, {"alertname": "a person's own rule"})) == calm


def test_without_an_address_the_policy_is_grafanas_own(volumes: Path, tmp_path: Path) -> None:
    made, _ = started(volumes, tmp_path / "made")
    saved = yaml.safe_load((made / "alerting/policy.yaml").read_text())
    assert saved == {"apiVersion": 1, "resetPolicies": [1]}


def test_a_missing_server_is_not_healthy() -> None:
    assert not healthy(str(free_port()), "/readyz", {})
