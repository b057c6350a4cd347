"""The wire: what one log message is, where it goes, and what may be in it.

Everything here is pure: values in, values out. No sockets, clocks, logs or environment.
"""
