"""`look.html` in the data folder: opens the first look, for whoever may read the folder.

The token stands in the fragment of the address, which browsers send to nobody; the page takes it
out of the address bar at once. So no secret has to be printed, typed, or given to a command.
"""

import html
from collections.abc import Mapping
from pathlib import Path

from seamark.standalone.folder import Folder, write


def page(folder: Folder) -> Path:
    """Where it lies."""
    return folder.path / "look.html"


def write_look(folder: Folder, *, api: str, credentials: Mapping[str, str]) -> None:
    """Write it, readable by the owner only. Raises OSError."""
    address = html.escape(f"{api}/look#token={credentials['query_token']}")
    write(
        page(folder),
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Seamark</title>'
        '<meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={address}">'
        f'<a href="{address}">A first look</a></html>\n',
        sync=False,
    )
