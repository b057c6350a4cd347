"""Who sends a request: the key or token it has, the app that it may send for, its address."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol

from collector.admission.addresses import Network, client_address, source_of
from collector.admission.keys import (
    Directory,
    app_for,
    authenticate,
    authenticate_admin,
    can_be_secret,
    owner,
    secret_of,
)
from collector.admission.redaction.text import redacted_name
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.redactors import Redactors
from collector.ingest.schemas_of_apps import SchemasOfApps
from collector.receivers.exchange import Admitted, BodyOwner, Head
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, SchemaRecord, TokenRecord
from seamark.service.registry.limits import Limits
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

_ADDRESSES: Final = 4096
_REPLAY_KEY: Final = "replay"
"""The key id of what an admin token sent; it counts beside the app's keys in the ledger."""
_NO_LIMITS: Final = Limits(
    requests_per_second=0, bytes_per_second=0, items_per_second=0, items_per_month=0
)


class Records(Directory, Protocol):
    """Keys, apps and orgs in memory (`seamark.service.registry.Registry`)."""

    orgs: dict[str, OrgRecord]
    schemas: dict[tuple[str, str], Mapping[str, SchemaRecord]]

    def may_be_missing(self, secret: str) -> bool:
        """Whether what a key needs may be there all the same, and cannot be seen here."""


class SenderCheck:
    """Checks keys and tokens against `records`. Nothing here blocks.

    `trusted_proxies` are networks whose X-Forwarded-For is believed; `country_header` is one that
    they set.
    """

    def __init__(
        self,
        records: Records,
        senders: Senders,
        *,
        trusted_proxies: Sequence[Network] = (),
        country_header: str = "",
    ) -> None:
        self._records = records
        self._senders = senders
        self._trusted = tuple(trusted_proxies)
        self._country_header = country_header.lower()
        self._redactors = Redactors()
        self._schemas = SchemasOfApps()
        self._address: Callable[[str, str], str] = lru_cache(maxsize=_ADDRESSES)(
            lambda peer, forwarded: client_address(peer, forwarded, self._trusted)
        )

    def check(self, head: Head) -> tuple[BodyOwner, KeyRecord]:
        """Whose a body is, and its key.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN), Unavailable.
        """
        key, _ = self._key_of(head)
        return BodyOwner(key.org, key.key_id, source_of(self.address(head))), key

    def check_admin(self, head: Head) -> tuple[BodyOwner, KeyRecord]:
        """The same of an admin token; the key stands for all that admins of the org send.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED).
        """
        token = self._admin_of(head)
        owner = BodyOwner(token.org, token.token_id, source_of(self.address(head)))
        return owner, _admin_key(token.org, token.app, token.token_id)

    def admit(self, head: Head, *, protocol: str, sdk: tuple[str, str]) -> Admitted:
        """The app of a key. Raises Rejected like `check`."""
        key, app = self._key_of(head)
        headers = head.headers
        salt = self._salt(key.org)
        redactor = self._redactors.of(app, salt)
        if redactor.has_rules:
            sdk = redacted_name(redactor, sdk[0]), redacted_name(redactor, sdk[1])
        country = headers.get(self._country_header, "") if self._country_header else ""
        sender = self._senders.encode(
            org=key.org,
            app=key.app,
            key_id=key.key_id,
            salt=salt,
            address=self.address(head),
            user_agent=headers.get("user-agent", ""),
            country=country,
            sdk=sdk,
            protocol=protocol,
        )
        return Admitted(
            key=key,
            app=app,
            sender=sender,
            salt=salt,
            redactor=redactor,
            schemas=self._schemas.of(app, self._records.schemas),
        )

    def admit_admin(self, head: Head, *, app: str, protocol: str, sdk: tuple[str, str]) -> Admitted:
        """The app that an admin token may send for; nothing of the request says who sent first.

        Raises Rejected like `check_admin`, and (WRONG_APP).
        """
        token = self._admin_of(head)
        record = app_for(self._records, token, app=app)
        key = _admin_key(record.org, record.app, _REPLAY_KEY)
        sender = self._senders.encode(
            org=key.org,
            app=key.app,
            key_id=key.key_id,
            salt="",
            address="",
            user_agent="",
            country="",
            sdk=sdk,
            protocol=protocol,
        )
        salt = self._salt(record.org)
        redactor = self._redactors.of(record, salt)
        return Admitted(
            key=key,
            app=record,
            sender=sender,
            salt=salt,
            redactor=redactor,
            schemas=self._schemas.of(record, self._records.schemas),
        )

    def owner_of(self, head: Head, signal: Signal) -> RequestOwner:
        """Where a request counts that is not taken: "" for what its secret does not tell."""
        org, app, key_id = owner(self._records, secret_of(head.headers, head.query))
        return RequestOwner(org, app, key_id, signal)

    def address(self, head: Head) -> str:
        """The client's address."""
        forwarded = head.headers.get("x-forwarded-for", "") if self._trusted else ""
        return self._address(head.remote, forwarded)

    def _admin_of(self, head: Head) -> TokenRecord:
        return authenticate_admin(
            self._records, secret=secret_of(head.headers, {}), now_ms=time.time_ns() // 1_000_000
        )

    def _salt(self, org: str) -> str:
        record = self._records.orgs.get(org)
        return record.salt if record is not None else ""

    def _key_of(self, head: Head) -> tuple[KeyRecord, AppRecord]:
        """Raises Unavailable where a record cannot be read, or may have come meanwhile."""
        headers = head.headers
        secret = secret_of(headers, head.query)
        try:
            return authenticate(
                self._records,
                secret=secret,
                origin=headers.get("origin", ""),
                now_ms=time.time_ns() // 1_000_000,
            )
        except Rejected as failure:
            unsure = failure.reason in (Reason.UNKNOWN_KEY, Reason.DISABLED)
            if unsure and can_be_secret(secret) and self._records.may_be_missing(secret):
                raise Unavailable(
                    "the records of this API key cannot be read here now; send it again"
                ) from None
            raise


@lru_cache(maxsize=_ADDRESSES)
def _admin_key(org: str, app: str, key_id: str) -> KeyRecord:
    """What stands for an ingest key where an admin token sends; it has no limits of its own."""
    return KeyRecord(key_id=key_id, org=org, app=app, digest="", limits=_NO_LIMITS)
