"""How exact the rollups are. The views and the questions both take it from here."""

from typing import Final

SKETCH_ACCURACY: Final = 0.01
"""Relative error of a percentile. A change needs other columns, and so a migration."""
UNIQUE_PRECISION: Final = 19
"""Precision of the sets of users and sessions (`uniqCombined(19)`): exact to 10,000 in one set, of
64-bit hashes, and off by less than 1 % beyond. A set takes 8 bytes a member, at most 394 kB.
A change needs other columns, and so a migration.
"""
