"""One receiver per protocol. See `exchange.py` for the contract, README.md for adding one."""
