"""The version, sent with every batch."""

from typing import Final

NAME: Final = "seamark-python"
VERSION: Final = "0.1.0"
