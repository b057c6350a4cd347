"""Leases and counts of limits that collectors share: in Redis, and in a file."""
