"""Keys and tokens: how they are made, and what is stored of them.

They carry 160 random bits, so their plain SHA-256 can be neither guessed nor reversed, and a
look-up by digest tells a timing attacker nothing about any stored key.
"""

import hashlib
import secrets
import string
from collections.abc import Mapping
from typing import Final, Literal

SecretKind = Literal["ingest", "query", "admin", "operator"]
PREFIXES: Final[Mapping[SecretKind, str]] = {
    "ingest": "smk_",
    "query": "smq_",
    "admin": "sma_",
    "operator": "smo_",
}
_ALPHABET: Final = string.ascii_letters + string.digits
_LENGTH: Final = 27


def digest(secret: str) -> str:
    """Hex SHA-256 of a key or token, as stored; of any text, which may be no key at all."""
    return hashlib.sha256(secret.encode(errors="backslashreplace")).hexdigest()


def new_secret(kind: SecretKind) -> str:
    """A new key or token: prefix and 27 random letters and digits (160 bits)."""
    return PREFIXES[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def derived_secret(kind: SecretKind, seed: bytes) -> str:
    """A key or token that the same seed, at least 160 random bits, always gives again."""
    number = int.from_bytes(
        hashlib.sha512(b"seamark secret\0" + kind.encode() + b"\0" + seed).digest()
    )
    text = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        text.append(_ALPHABET[place])
    return PREFIXES[kind] + "".join(text)


def public_id(kind: Literal["key", "tok"], hashed: str) -> str:
    """A public name for a secret: from its digest, so that the same secret has one name."""
    return f"{kind}_{hashed[:12]}"
