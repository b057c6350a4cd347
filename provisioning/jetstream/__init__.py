"""Streams and buckets of the log."""
