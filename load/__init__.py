"""Load: open-loop generators, scenarios, and the figures they leave in `load/results`."""
