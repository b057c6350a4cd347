"""Passwords into the files that each service reads them from. Pure: passwords in, texts out."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioning.compose.layout import CACHE_USER, LOG_USERS, STORE_USERS
from provisioning.credentials import Credentials

NAMES = (
    *(f"log_{user}" for user in LOG_USERS),
    *(f"store_{user}" for user in STORE_USERS),
    *("cache", "objects", "keeper", "grafana"),
)
"""Every password there is."""
_CACHE_RULES = (
    # who has not said who they are may ask whether the server is there, and nothing else
    "user default on nopass resetkeys resetchannels -@all +ping",
    "user {user} on #{digest} ~seamark:* resetchannels -@all +@connection +get +set",
)


@dataclass(frozen=True, slots=True)
class FileAccess:
    """All that there is to know: passwords by name (see `NAMES`), the first org's keys, our own."""

    passwords: Mapping[str, str]
    credentials: Credentials
    own_metrics_key: str


def files(access: FileAccess) -> dict[str, dict[str, str]]:
    """By service: file names and their contents. A service gets what it needs and nothing more."""
    passwords, credentials = access.passwords, access.credentials
    made: dict[str, dict[str, str]] = {
        "nats": {"passwords.conf": _nats(passwords)},
        "redis": {"users.acl": _redis(passwords["cache"])},
        "clickhouse": {"passwords.xml": _clickhouse(passwords)},
        "s3": {"objects": passwords["objects"]},
        "grafana": {
            "admin-password": passwords["grafana"],
            "token": credentials.query_token,
            "org": credentials.org,
        },
        "demo": {"credentials.json": _json(app=credentials.app, ingest_key=credentials.ingest_key)},
        "provisioning": {
            "credentials.json": _json(
                **{name: getattr(credentials, name) for name in credentials.__struct_fields__}
            )
        },
    }
    for user in LOG_USERS:
        made.setdefault(user, {})["log"] = passwords[f"log_{user}"]
    for user in STORE_USERS:
        made.setdefault(user, {})["store"] = passwords[f"store_{user}"]
    made["api"]["cache"] = passwords["cache"]
    for user in ("archive", "api", "admin"):
        made[user]["objects"] = passwords["objects"]
    for user in ("provisioning", "collector", "rows", "archive", "api"):
        made[user]["own-metrics.key"] = f"{access.own_metrics_key}\n"
    return made


def _nats(passwords: Mapping[str, str]) -> str:
    """Variables that `nats.conf` uses, `$rows_password` and so on."""
    return _lines(f'{user}_password: "{passwords[f"log_{user}"]}"' for user in LOG_USERS)


def _redis(password: str) -> str:
    """An ACL file: the cache's only user, and what is allowed without one."""
    return _lines(rule.format(user=CACHE_USER, digest=_digest(password)) for rule in _CACHE_RULES)


def _clickhouse(passwords: Mapping[str, str]) -> str:
    """What `incl="…"` in `users.xml` and `config.xml` stands for."""
    rows = [f"  <{user}>{_digest(passwords[f'store_{user}'])}</{user}>" for user in STORE_USERS]
    rows.append(f"  <keeper_identity>seamark:{passwords['keeper']}</keeper_identity>")
    return _lines(["<clickhouse>", *rows, "</clickhouse>"])


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _json(**values: str) -> str:
    return json.dumps(values, indent=2) + "\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
