"""What the web SDK does when network, collector or page go away, in a real browser.

`columns` are the situations, `run` runs each of them many times and writes a table.
"""
