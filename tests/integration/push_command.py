"""Runs `seamark grafana push` as a person does, against a server of `push_grafana`."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.push_grafana import TOKEN, State

SEAMARK = Path(sys.executable).with_name("seamark")


def push(
    url: str, *more: str, token: str = TOKEN, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run it with a datasource to make, and the environment but for Seamark's variables."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SEAMARK_")}
    environ |= {
        "SEAMARK_GRAFANA_API_URL": "http://seamark.example.com:4320",
        "SEAMARK_GRAFANA_DATASOURCE_TOKEN": "smq_made-up",
        "SEAMARK_GRAFANA_TOKEN": token,
    }
    return subprocess.run(
        [str(SEAMARK), "grafana", "push", "--url", url, *more],
        env={k: v for k, v in (environ | variables).items() if v},
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def done(result: subprocess.CompletedProcess[str]) -> str:
    """Its output, when it went well."""
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def a_rule(state: State) -> str:
    """The uid of one of the rules that stand there."""
    return min(state.rules)
