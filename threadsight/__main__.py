"""`python -m threadsight`: the same as the `threadsight` command."""

from threadsight.cli import main

main()
