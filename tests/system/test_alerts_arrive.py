"""Faults injected into a stack reach a webhook: severity, text, labels, link; and are resolved.

There is no Grafana here: `tests/support/alerting_grafana.py` evaluates the committed rules, follows
the policy that `start.sh` lays out, and sends. Its clock runs ahead, some minutes each evaluation.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.support.alerting_grafana import AlertingGrafana
from tests.support.compose_file import CONFIGURATIONS
from tests.support.grafana_asking import Api
from tests.support.grafana_files import ROOT
from tests.support.grafana_files import SAVED as BOARDS
from tests.support.servers import free_port
from tests.support.until import until
from tests.system.alert_data import post, spans
from tests.system.stack import SEAMARK, Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
MINUTE = 60_000
GRAFANA = "https://grafana.example.com/x/"


@dataclass
class Webhook:
    """What came, in order."""

    url: str = ""
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def of(self, page: str) -> list[dict[str, Any]]:
        """Those of the rule whose runbook is this page."""
        return [
            alert
            for alert in self.alerts
            if alert["annotations"]["runbook_url"].endswith(f"/{page}.md")
        ]


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    made = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.alerts += body["alerts"]
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def stack(stack_of_its_own: Stack) -> Stack:
    return stack_of_its_own


@dataclass
class Watch:
    """The stand-in, with a clock of its own."""

    grafana: AlertingGrafana
    clock_s: float = 0.0

    def look(self, count: int = 1, *, minutes: float = 1) -> list[str]:
        """What so many evaluations sent, so many minutes apart."""
        sent = []
        for _ in range(count):
            self.clock_s += 60 * minutes
            sent += self.grafana.tick(int(time.time() * 1000), clock_s=self.clock_s)
        return sent


@pytest.fixture(scope="module")
def watch(stack: Stack, webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """With the policy that Grafana's start lays out for a webhook alone."""
    folder = tmp_path_factory.mktemp("grafana")
    (folder / "secrets").mkdir()
    for name in ("token", "org", "ca.pem"):
        (folder / "secrets" / name).write_text(stack.credentials.get(name, ""))
    subprocess.run(
        ["/bin/sh", str(CONFIGURATIONS / "grafana/start.sh"), "true"],
        env={
            "PATH": os.environ["PATH"],
            "GF_PATHS_PROVISIONING": str(folder / "made"),
            "SEAMARK_PROVISIONED": str(ROOT / "provisioning/grafana"),
            "SEAMARK_SECRETS": str(folder / "secrets"),
            "SEAMARK_GRAFANA_ROOT_URL": GRAFANA,
            "SEAMARK_ALERT_WEBHOOK_URL": webhook.url,
        },
        check=True,
        timeout=30,
    )
    (tree,) = yaml.safe_load((folder / "made/alerting/policy.yaml").read_text())["policies"]
    api = Api(stack.urls.api, stack.credentials["query_token"], fresh=True)
    org = (folder / "secrets/org").read_text()
    made = AlertingGrafana(api, tree, {"Seamark webhook": webhook.url}, GRAFANA, org)
    return Watch(made)


def opens(alert: dict[str, Any]) -> tuple[str, dict[str, list[str]]]:
    """The board that an alert's link leads to, and the variables it chooses there."""
    link = urlsplit(alert["annotations"]["link"])
    assert f"{link.scheme}://{link.netloc}" == "https://grafana.example.com"
    board = link.path.removeprefix("/x/d/")
    assert board in BOARDS
    query = parse_qs(link.query)
    chosen = {name: value for name, value in query.items() if name.startswith("var-")}
    declared = {f"var-{one['name']}" for one in BOARDS[board]["templating"]["list"]}
    assert chosen.keys() <= declared
    return board, chosen


def test_a_healthy_stack_sends_nothing(watch: Watch, webhook: Webhook) -> None:
    assert watch.look(3, minutes=15) == [], "though it has been so for longer than any rule waits"
    assert webhook.alerts == []


def test_the_test_of_alerting_arrives_and_is_resolved(
    stack: Stack, watch: Watch, webhook: Webhook
) -> None:
    command = [*SEAMARK, "alert", "test", "--data", str(stack.data), "--severity", "critical"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert watch.look() == ["alert-test-critical firing"]
    (alert,) = webhook.of("alert-test")
    assert alert["labels"].items() >= {
        "alertname": "Test of an alert of severity critical",
        "severity": "critical", "org": "demo", "app": "demo", "team": "seamark",
    }.items()  # fmt: skip
    assert "sent 1 events as demo" in alert["annotations"]["summary"]
    opens(alert)
    watch.clock_s += 60
    later = int(time.time() * 1000) + 7 * MINUTE
    assert "alert-test-critical resolved" in watch.grafana.tick(later, clock_s=watch.clock_s)


def test_a_service_that_fails_pages_with_its_name(
    stack: Stack, watch: Watch, webhook: Webhook
) -> None:
    body = spans("pay & ship", 150, 50, int(time.time() * 1000) - 2 * MINUTE)
    post(stack, "/v1/traces", body)
    until(lambda: watch.look(minutes=2), lambda sent: "service-error-rate firing" in sent)
    (alert,) = webhook.of("service-error-rate")
    labels = {"severity": "critical", "app": "demo", "service": "pay & ship", "org": "demo"}
    assert alert["labels"].items() >= labels.items()
    assert "pay & ship of demo: 25% of its calls failed" in alert["annotations"]["summary"]
    assert "(limit 1 %" in alert["annotations"]["summary"]
    assert opens(alert) == (
        "seamark-services",
        {"var-app": ["demo"], "var-service": ["pay & ship"]},
    )


def test_an_api_that_grafana_does_not_reach_pages_once_and_is_resolved(
    watch: Watch, webhook: Webhook
) -> None:
    there = watch.grafana.api
    watch.grafana.api = Api(f"http://127.0.0.1:{free_port()}", there.token)
    assert watch.look(2) == [], "not for a moment's absence"
    assert watch.look(2) == ["api-away firing"], "the only rule that says so"
    (alert,) = webhook.of("api-away")
    assert alert["labels"].items() >= {"severity": "critical", "app": "seamark"}.items()
    assert "all other alerts of Seamark are blind" in alert["annotations"]["summary"]
    opens(alert)
    watch.grafana.api = there
    until(watch.look, lambda sent: "api-away resolved" in sent)
