"""Rates and monthly counts of keys and orgs. Pure: what is leased and merged, and when, is told."""
