"""`python -m gridloop.apps.cli` is the program `gridloop`."""

from gridloop.apps.cli.main import main

main()
