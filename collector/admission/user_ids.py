"""A user's own id is never stored: the collector replaces it by its hash under the org's salt.

Native batches name users by `userAnonId`, which is anonymous before it is sent and stays as it is;
only protocols that send the id itself need this, and what a redaction rule hashes.

A hash says of itself that it is one: its last 8 characters are the hash of the others. So what is
sent again by a replay is not hashed twice.
"""

import functools
import hmac
from typing import Final

USER_HASH_CHARS: Final = 32
_CHECK_CHARS: Final = 8
_HEX: Final = frozenset("0123456789abcdef")


@functools.lru_cache(maxsize=4096)  # a user sends again and again
def user_hash(salt: str, user_id: str) -> str:
    """Hex HMAC-SHA256 of a user id under the org's salt, 32 characters; "" without either.

    96 bits of it and 32 that check them, so that no two users of an org meet by chance. The hash of
    a hash is the hash itself. Without a salt anyone could guess ids and compare, so nothing is
    stored at all.
    """
    if not salt or not user_id:
        return ""
    if is_user_hash(salt, user_id):
        return user_id
    taken = _digest(salt, user_id)[: USER_HASH_CHARS - _CHECK_CHARS]
    return taken + _check(salt, taken)


def is_user_hash(salt: str, text: str) -> bool:
    """Whether a text is a hash made under this salt."""
    if len(text) != USER_HASH_CHARS or not salt or not _HEX.issuperset(text):
        return False
    taken = text[: USER_HASH_CHARS - _CHECK_CHARS]
    return hmac.compare_digest(text[len(taken) :], _check(salt, taken))


def _check(salt: str, taken: str) -> str:
    return _digest(salt, f"hash:{taken}")[:_CHECK_CHARS]


def _digest(salt: str, text: str) -> str:
    content = text.encode("utf-8", "replace")
    return hmac.digest(salt.encode(), content, "sha256").hex()
