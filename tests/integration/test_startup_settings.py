"""Wrong settings of every process: all of them at once, in one form, exit code 2, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
LOG = {"SEAMARK_LOG_PARTITIONS": "0"}
CA = {"SEAMARK_STORE_TLS_CA": "no/ca.pem"}
PROCESSES = {
    "collector": LOG | {"SEAMARK_COLLECTOR_PORT": "abc", "SEAMARK_COLLECTOR_GRPC_PORT": "-1"},
    "api": LOG | CA | {"SEAMARK_API_PORT": "abc"},
    "processors.rows": LOG | CA | {"SEAMARK_ROWS_PORT": "abc"},
    "processors.archive": LOG
    | CA
    | {
        "SEAMARK_ARCHIVE_URL": "ftp://x",
        "SEAMARK_ARCHIVE_NICE": "99",
        "SEAMARK_ARCHIVE_S3_TLS_CA": "no/ca.pem",
    },
    "seamark.standalone.store": {
        "SEAMARK_STORE_SERVER_PORT": "abc",
        "SEAMARK_OWN_METRICS_INTERVAL_SECONDS": "-1",
    },
    "provisioning": LOG | CA | {"SEAMARK_PROVISION_STORE_VARIANT": "other"},
}
SERVERS = {
    "collector": "SEAMARK_COLLECTOR",
    "api": "SEAMARK_API",
    "seamark.standalone.store": "SEAMARK_STORE_SERVER",
}
MONITORS = ("collector", "api", "processors.rows", "processors.archive")


def started(module: str, settings: dict[str, str], folder: Path) -> tuple[int, str, str]:
    """Exit code, standard error, and the error that its last line names."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SEAMARK_")}
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=clean | settings | {"PYTHONPATH": os.getcwd()},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["level"], line["message"]) == ("critical", "wrong settings")
    return done.returncode, done.stderr, line["error"]


@pytest.mark.parametrize("module", PROCESSES)
def test_all_wrong_settings_are_named_at_once(module: str, tmp_path: Path) -> None:
    code, text, error = started(module, PROCESSES[module], tmp_path)
    assert code == 2
    assert "Traceback" not in text
    assert all(name in error for name in PROCESSES[module]), error


@pytest.mark.parametrize(
    ("module", "prefix"), [*SERVERS.items(), *((name, "SEAMARK_MONITOR") for name in MONITORS)]
)
@pytest.mark.parametrize(
    "files", [("no/cert.pem", "no/key.pem"), ("cert.pem", ""), ("cert.pem", "cert.pem")]
)
def test_a_certificate_that_cannot_be_read_is_a_wrong_setting(
    module: str, prefix: str, files: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    settings = {f"{prefix}_TLS_CERT": files[0], f"{prefix}_TLS_KEY": files[1]}
    code, text, error = started(module, settings, tmp_path)
    assert code == 2
    assert "Traceback" not in text
    assert f"{prefix}_TLS_CERT" in error
