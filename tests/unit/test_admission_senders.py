"""What the collector knows of a sender: address, hash, country, browser, class of device."""

import hashlib
import hmac

import pytest

from collector.admission.addresses import client_address, network_prefix, read_networks
from collector.admission.senders import Senders, country_code, ip_hash
from collector.admission.user_agents import Agent, read_user_agent

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "2001:0db8:0:0::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_client_address(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, read_networks("10.0.0.0/8")) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("", "unknown"),
        ("a host", "unknown"),
    ],
)
def test_the_network_of_an_address_does_not_tell_the_address(address: str, network: str) -> None:
    assert network_prefix(address) == network


def test_no_proxy_is_trusted_by_default() -> None:
    assert client_address("10.0.0.1", "198.51.100.7", read_networks(" ")) == "10.0.0.1"


def test_the_hash_of_an_address_depends_on_the_salt() -> None:
    expected = hmac.new(b"s1", b"203.0.113.9", hashlib.sha256).hexdigest()

    assert ip_hash("s1", "203.0.113.9") == expected[:16]
    assert ip_hash("s1", "203.0.113.9") != ip_hash("s2", "203.0.113.9")
    assert ip_hash("", "203.0.113.9") == ""
    assert ip_hash("s1", "") == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [("nl", "NL"), (" DE ", "DE"), ("XX", ""), ("T1", ""), ("", ""), ("NLD", ""), ("éé", "")],
)
def test_country_code(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "device"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "desktop"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/2010 Firefox/132.0", "desktop"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile/15", "mobile"),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) Version/16.6 Mobile/15E148", "tablet"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ2A)", "mobile"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-X700 Build/TP1A)", "tablet"),
        ("Shop/12 CFNetwork/1404.0.5 Darwin/22.3.0", "mobile"),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV", "tv"),
        ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/79.0", "tv"),
        (f"Mozilla/5.0 (Linux; Android 9; AFTT Build/PS7) {CHROME} Mobile", "tv"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chrome', 'HeadlessChrome')}", "bot"),
        ("OTel-OTLP-Exporter-Python/1.30.0", "unknown"),
        ("python-requests/2.32", "unknown"),
        ("", "unknown"),
        ("\udcff\udcfe", "unknown"),
    ],
)  # fmt: skip
def test_device_class(text: str, device: str) -> None:
    assert read_user_agent(text).device == device


def test_browser_and_system() -> None:
    found = read_user_agent(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
    )

    assert found == Agent("Mobile Safari", "17.4", "iOS", "17.4", "mobile")


def test_a_long_user_agent_is_cut() -> None:
    assert read_user_agent("x" * 512 + " Googlebot/2.1").device == "unknown"


def test_a_changed_record_is_another_sender() -> None:
    senders = Senders(datacenter="ams1", server_version="1", capacity=2)

    def encoded(address: str, salt: str = "s") -> bytes:
        return senders.encode(
            org="acme",
            app="shop",
            key_id="k",
            salt=salt,
            address=address,
            user_agent="curl/8",
            country="nl",
            sdk=("web", "1.2"),
            protocol="native",
        )

    first = encoded("203.0.113.1")
    assert ip_hash("s", "203.0.113.1").encode() in first
    assert b"203.0.113.1" not in first
    assert b"NL" in first
    assert encoded("203.0.113.1") is first
    assert encoded("203.0.113.1", salt="t") != first
    for n in range(2, 6):
        encoded(f"203.0.113.{n}")
    assert encoded("203.0.113.1") == first
