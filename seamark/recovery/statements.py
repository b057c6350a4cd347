"""The SQL of recovery: `sql/<name>.sql`, in the template language of the schema.

Placeholders are names of our own tables and conditions; values go as parameters (`{name:Type}`).
"""

from pathlib import Path
from typing import Final

from provisioning.clickhouse.template import statements

_FOLDER: Final = Path(__file__).parent / "sql"


def statements_of(name: str, **given: str) -> list[str]:
    """The statements of a file in order, filled with `given`. Raises ValueError as `statements`."""
    return statements((_FOLDER / f"{name}.sql").read_text(), given)


def statement_of(name: str, **given: str) -> str:
    """The one statement of a file, filled with `given`."""
    [found] = statements_of(name, **given)
    return found
