"""The command line: noun, then verb; data to stdout, progress to stderr, exit codes that mean something."""

from gridloop.apps.cli.main import app, main

__all__ = ["app", "main"]
