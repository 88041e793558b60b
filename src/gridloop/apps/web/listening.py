"""Listening on a port until the keyboard or a signal says stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from gridloop.apps.web.guard import require_loopback
from gridloop.domain.errors import UsageError


def listen(app: FastAPI, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve an app on an address of this machine.

    Args:
        app: what answers.
        host: the address.
        port: 0 for any free one.
        ready: told the url once the port is ours.

    Raises:
        NotPermitted: others could reach the address.
        UsageError: the port is taken.
    """
    require_loopback(host)
    bound = _bound(host, port)
    name = f"[{host}]" if ":" in host else host
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
    )
    with bound:
        ready(f"http://{name}:{bound.getsockname()[1]}/")
        threading.Thread(target=app.state.warm, daemon=True).start()
        uvicorn.Server(config).run(sockets=[bound])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()  # whoever comes before the server has started waits instead of being refused
    except OSError as error:
        made.close()
        raise UsageError(
            f"Port {port} of {host} cannot be listened on.",
            evidence={"reason": error.strerror or type(error).__name__},
            ways_out=("Choose another one: --port 8766", "Choose any free one: --port 0"),
        ) from error
    return made
