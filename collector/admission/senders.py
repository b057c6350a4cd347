"""What the collector knows of a sender, encoded once: nothing of it is parsed per batch."""

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from collector.admission.user_agents import Agent, read_user_agent
from seamark.wire.envelope import Sender

IP_HASH_CHARS: Final = 16
_LONGEST_AGENT: Final = 512


def ip_hash(salt: str, address: str) -> str:
    """Hex HMAC-SHA256 of an address under the org's salt, 16 characters; "" without a salt."""
    if not salt or not address:
        return ""
    return hmac.new(salt.encode(), address.encode(), hashlib.sha256).hexdigest()[:IP_HASH_CHARS]


def country_code(text: str) -> str:
    """An ISO 3166 code from a proxy's header, upper case; "" when it is none (XX = unknown)."""
    code = text.strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() and code != "XX" else ""


class Senders:
    """Encoded `Sender`s by all they are made of, so that a changed record is a new entry.

    Bounded: at most `capacity` senders and as many user agents, the least used forgotten first.
    """

    def __init__(self, *, datacenter: str, server_version: str, capacity: int = 16_384) -> None:
        self._datacenter = datacenter
        self._server_version = server_version
        self._agent: Callable[[str], Agent] = lru_cache(maxsize=capacity)(read_user_agent)
        self._known: Callable[..., bytes] = lru_cache(maxsize=capacity)(self._encode)

    def encode(
        self,
        *,
        org: str,
        app: str,
        key_id: str,
        salt: str,
        address: str,
        user_agent: str,
        country: str,
        sdk: tuple[str, str],
        protocol: str,
    ) -> bytes:
        """Fields 1, 2 and 6-19 of the envelope (`Sender.encode`)."""
        return self._known(
            org, app, key_id, salt, address, user_agent[:_LONGEST_AGENT], country, sdk, protocol
        )

    def _encode(
        self,
        org: str,
        app: str,
        key_id: str,
        salt: str,
        address: str,
        user_agent: str,
        country: str,
        sdk: tuple[str, str],
        protocol: str,
    ) -> bytes:
        agent = self._agent(user_agent)
        return Sender(
            org=org,
            app=app,
            key_id=key_id,
            ip_hash=ip_hash(salt, address),
            country=country_code(country),
            browser=agent.browser,
            browser_version=agent.browser_version,
            os=agent.os,
            os_version=agent.os_version,
            device=agent.device,
            sdk_name=sdk[0],
            sdk_version=sdk[1],
            datacenter=self._datacenter,
            server_version=self._server_version,
            protocol=protocol,
        ).encode()
