"""A user's own id is never stored: the collector replaces it by its hash under the org's salt.

Native batches name users by `userAnonId`, which is anonymous before it is sent and stays as it is;
only protocols that send the id itself need this.
"""

import hashlib
import hmac
from typing import Final

USER_HASH_CHARS: Final = 32


def user_hash(salt: str, user_id: str) -> str:
    """Hex HMAC-SHA256 of a user id under the org's salt, 32 characters; "" without either.

    128 bits, so that no two users of an org meet by chance. Without a salt anyone could guess ids
    and compare, so nothing is stored at all.
    """
    if not salt or not user_id:
        return ""
    return hmac.new(salt.encode(), user_id.encode(), hashlib.sha256).hexdigest()[:USER_HASH_CHARS]
