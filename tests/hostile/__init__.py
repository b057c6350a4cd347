"""Attacks by senders, bounded and on loopback: each failed before what withstands it was there."""
