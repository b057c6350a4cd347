"""The SDK's decisions as pure functions: values in, values out. No clock, socket, file or thread.

Each module is one function of `spec/vectors`, and the reference implementation of it.
"""
