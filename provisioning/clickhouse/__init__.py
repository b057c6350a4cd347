"""Numbered migrations of the store."""
