"""`python -m seamark` is the `seamark` command."""

from seamark.cli import main

main()
