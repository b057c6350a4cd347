"""The id under which a user is known: a hash, made on the device."""

import hashlib
import string
import unicodedata
from typing import Final

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BLANK: Final = "\t\n\v\f\r "


def user_hash(user_id: str, salt: str) -> str | None:
    """`userAnonId` of a user: hex SHA-256 of salt and id; None where the id is blank.

    The id in NFKC, A to Z in lower case, without blanks at its ends. Only ASCII letters change
    their case, because rules beyond differ between languages.
    """
    plain = unicodedata.normalize("NFKC", user_id).translate(_LOWER).strip(_BLANK)
    if not plain:
        return None
    return hashlib.sha256(f"{salt}\0{plain}".encode("utf-8", "replace")).hexdigest()
