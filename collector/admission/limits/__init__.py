"""Rates and monthly counts of keys and orgs. Pure: `collector.limiting` leases and merges."""
