"""`gridloop serve` listens on this machine alone."""

from __future__ import annotations

import socket

import pytest

from gridloop.apps.web.guard import LOOPBACK, require_loopback
from gridloop.apps.web.listening import listen
from gridloop.domain.errors import UsageError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_another_address_is_refused_with_the_reason(command, tmp_path, host):
    answer = command("serve", "-w", tmp_path, "--host", host)
    assert answer.code == 4
    assert "there are no accounts yet" in answer.err


def test_addresses_of_this_machine_are_allowed():
    for host in LOOPBACK:
        require_loopback(host)


def test_a_folder_without_a_workspace_is_named(command, tmp_path):
    answer = command("serve", "-w", tmp_path)
    assert answer.code == 2


def test_a_port_that_is_taken_is_told_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be listened on") as told:
            listen(None, "127.0.0.1", taken.getsockname()[1], print)  # type: ignore[arg-type]
    assert "--port 0" in str(told.value)


def test_whoever_comes_as_soon_as_the_address_is_told_is_not_refused():
    class Come(Exception):
        pass

    def ready(url):
        host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        raise Come

    with pytest.raises(Come):
        listen(None, "127.0.0.1", 0, ready)  # type: ignore[arg-type]
