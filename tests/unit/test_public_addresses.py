"""The addresses that `seamark up` shows are those that a client's TLS accepts."""

from pathlib import Path

import pytest

from seamark.service.settings import SettingsError
from seamark.standalone.folder import Folder
from seamark.standalone.ports import Ports
from seamark.standalone.public_addresses import PublicAddresses, public_addresses
from seamark.standalone.terminal import summary
from tests.support.certificate import self_signed


def environ(part: str, cert: Path, key: Path) -> dict[str, str]:
    return {f"SEAMARK_{part}_TLS_CERT": str(cert), f"SEAMARK_{part}_TLS_KEY": str(key)}


def test_without_certificates_they_are_http_at_the_chosen_host() -> None:
    assert public_addresses("::", Ports(100), {}) == PublicAddresses(
        ingest="http://127.0.0.1:4418",
        ingest_grpc="127.0.0.1:4417",
        api="http://127.0.0.1:4420",
        api_grpc="127.0.0.1:4419",
    )
    assert public_addresses("::1", Ports(), {}).api == "http://[::1]:4320"


def test_a_listener_with_a_certificate_is_https_by_the_name_in_it(tmp_path: Path) -> None:
    cert = self_signed(tmp_path, "telemetry.example")
    collector = public_addresses("0.0.0.0", Ports(), environ("COLLECTOR", *cert))
    api = public_addresses("0.0.0.0", Ports(), environ("API", *cert))

    assert collector == PublicAddresses(
        ingest="https://telemetry.example:4318",
        ingest_grpc="telemetry.example:4317",
        api="http://127.0.0.1:4320",
        api_grpc="127.0.0.1:4319",
    )
    assert api == PublicAddresses(
        ingest="http://127.0.0.1:4318",
        ingest_grpc="127.0.0.1:4317",
        api="https://telemetry.example:4320",
        api_grpc="telemetry.example:4319",
    )


def test_a_certificate_for_an_address_leaves_the_host(tmp_path: Path) -> None:
    cert = self_signed(tmp_path, "any", "IP:127.0.0.1")
    assert public_addresses("127.0.0.1", Ports(), environ("API", *cert)).api == (
        "https://127.0.0.1:4320"
    )


@pytest.mark.parametrize("part", ["COLLECTOR", "API"])
def test_a_certificate_that_is_not_there_is_a_wrong_setting(part: str) -> None:
    with pytest.raises(SettingsError, match=f"SEAMARK_{part}_TLS_CERT"):
        public_addresses("", Ports(), environ(part, Path("/nope"), Path("/nope")))


@pytest.mark.parametrize("talkative", [True, False])
def test_the_summary_shows_no_other_address(tmp_path: Path, talkative: bool) -> None:
    cert = self_signed(tmp_path, "telemetry.example")
    both = environ("COLLECTOR", *cert) | environ("API", *cert)
    addresses = public_addresses("0.0.0.0", Ports(), both)
    credentials = {"ingest_key": "smk_x", "app": "demo"}

    lines = summary(Folder(tmp_path), addresses, credentials, seconds=1, talkative=talkative)

    assert "https://telemetry.example:4320/look" in "\n".join(lines)
    assert "http://" not in "\n".join(lines)
    assert "127.0.0.1" not in "\n".join(lines)
