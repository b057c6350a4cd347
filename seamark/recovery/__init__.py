"""Verify, replay, backup and restore: what a person does when something was lost, or might be."""
