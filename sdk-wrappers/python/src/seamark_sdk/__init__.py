"""Seamark for Python."""
