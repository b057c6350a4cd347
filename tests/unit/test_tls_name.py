"""The name in a certificate, and what is no certificate to start with."""

from pathlib import Path

import pytest

from seamark.service.settings import SettingsError
from seamark.service.tls_name import name_in
from tests.support.certificate import self_signed


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("DNS:telemetry.example", "DNS:other.example"), "telemetry.example"),
        (("IP:10.0.0.1", "DNS:a.example"), "a.example"),
        (("DNS:*.telemetry.example",), "seamark.telemetry.example"),
        (("IP:127.0.0.1",), ""),
    ],
)
def test_the_first_dns_name_is_found(tmp_path: Path, names: tuple[str, ...], found: str) -> None:
    cert, key = self_signed(tmp_path, "common.example", *names)
    assert name_in(str(cert), str(key), prefix="SEAMARK_COLLECTOR") == found


def test_a_key_of_another_certificate_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    cert, _ = self_signed(tmp_path, "a.example")
    _, key = self_signed(tmp_path / "other", "b.example")
    with pytest.raises(SettingsError, match="SEAMARK_COLLECTOR_TLS_CERT"):
        name_in(str(cert), str(key), prefix="SEAMARK_COLLECTOR")


def test_without_a_certificate_there_is_no_name() -> None:
    assert name_in("", "", prefix="SEAMARK_COLLECTOR") == ""
