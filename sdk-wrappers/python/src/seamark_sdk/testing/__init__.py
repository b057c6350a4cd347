"""Telemetry tested like code: a collector inside the test's process, and what to ask it.

`pytest` finds the fixture `seamark` by this package's entry point; `received.Received` is what it
gives. Needs the extra `seamark-sdk[testing]`.
"""
