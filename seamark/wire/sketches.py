"""What the sketches of the rollups promise. The views and the questions both take it from here."""

from typing import Final

SKETCH_ACCURACY: Final = 0.01
"""Relative error of a percentile. A change needs other columns, and so a migration."""
