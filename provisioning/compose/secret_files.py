"""Passwords into the files that each service reads them from. Pure: passwords in, texts out."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioning.compose.layout import CACHE_USERS, LOG_USERS, STORE_USERS
from provisioning.credentials import Credentials

NAMES = (
    *(f"log_{user}" for user in LOG_USERS),
    *(f"store_{user}" for user in STORE_USERS),
    *(f"cache_{user}" for user in CACHE_USERS),
    *("objects", "keeper", "grafana"),
)
"""Every password there is."""
# a connection without a user may PING, and nothing else
_ANONYMOUS = "user default on nopass resetkeys resetchannels -@all +ping"
_CACHE_RULES = {
    "api": "~seamark:answer:* resetchannels -@all +@connection +get +set",
    "collector": "~seamark:limit:* resetchannels -@all +@connection +evalsha +script|load +time "
    "+get +set +type +del +hget +hset +hgetall +pexpire",
}


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
        "redis": {"users.acl": _redis(passwords)},
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
    for user in CACHE_USERS:
        made[user]["cache"] = passwords[f"cache_{user}"]
    for user in ("archive", "api", "admin"):
        made[user]["objects"] = passwords["objects"]
    for user in ("provisioning", "collector", "rows", "archive", "api"):
        made[user]["own-metrics.key"] = f"{access.own_metrics_key}\n"
    return made


def _nats(passwords: Mapping[str, str]) -> str:
    """Variables that `nats.conf` uses, `$rows_password` and so on."""
    return _lines(f'{user}_password: "{passwords[f"log_{user}"]}"' for user in LOG_USERS)


def _redis(passwords: Mapping[str, str]) -> str:
    """An ACL file: the users of Redis, each with keys of its own, and what is allowed without."""
    users = (
        f"user {user} on #{_digest(passwords[f'cache_{user}'])} {_CACHE_RULES[user]}"
        for user in CACHE_USERS
    )
    return _lines([_ANONYMOUS, *users])


def _clickhouse(passwords: Mapping[str, str]) -> str:
    """What `incl="…"` in `users.xml` and `config.xml` stands for."""
    rows = [f"  <{user}>{_digest(passwords[f'store_{user}'])}</{user}>" for user in STORE_USERS]
    rows.append(f"  <keeper_identity>seamark:{passwords['keeper']}</keeper_identity>")
    rows.append(f"  <objects_secret>{passwords['objects']}</objects_secret>")
    return _lines(["<clickhouse>", *rows, "</clickhouse>"])


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _json(**values: str) -> str:
    return json.dumps(values, indent=2) + "\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
