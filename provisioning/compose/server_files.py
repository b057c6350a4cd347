"""The servers' own configuration, which `init` puts where each server reads its secrets.

Not mounted from the checkout: files made under a umask of 077 could not be read by the containers'
user there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_SCHEMA: Final = _HERE.parents[1] / "seamark" / "wire" / "envelope.proto"
SERVER_FILES: Final[Mapping[str, Mapping[str, Path]]] = {
    "nats": {"nats.conf": _HERE / "nats.conf"},
    "redis": {"redis.conf": _HERE / "redis.conf"},
    "clickhouse": {
        "config.xml": _HERE / "clickhouse" / "config.xml",
        "users.xml": _HERE / "clickhouse" / "users.xml",
        "seamark_envelope.proto": _SCHEMA,
    },
    "s3": {"s3.sh": _HERE / "s3.sh"},
}
"""By service: names in `/run/seamark`, and where each is in this package."""
