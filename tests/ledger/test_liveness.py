"""A process is told from every other, dead or alive."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from gridloop.ledger import liveness
from gridloop.ledger.liveness import Life, birth_mark, life_of, place_of


def test_this_process_is_alive():
    assert life_of(os.getpid(), place_of(os.getpid())) is Life.ALIVE


def test_an_ended_process_is_dead_even_before_it_was_waited_for():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    place = place_of(process.pid)
    assert life_of(process.pid, place) is Life.ALIVE
    process.kill()
    while birth_mark(process.pid) is not None:
        pass
    assert process.returncode is None
    assert life_of(process.pid, place) is Life.DEAD
    process.communicate()
    assert life_of(process.pid, place) is Life.DEAD


def test_the_same_number_born_at_another_time_is_dead():
    assert life_of(os.getpid(), f"{socket.gethostname()}/boot:1") is Life.DEAD


def test_a_process_that_was_never_there_is_dead():
    assert birth_mark(2**22 + 1) is None
    assert life_of(2**22 + 1, place_of(2**22 + 1)) is Life.DEAD


def test_nothing_is_said_about_other_hosts():
    assert life_of(os.getpid(), "elsewhere/boot:1") is Life.UNKNOWN
    assert life_of(os.getpid(), None) is Life.UNKNOWN


def test_where_there_is_no_proc_ps_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(liveness, "_PROC", tmp_path)
    assert birth_mark(os.getpid())
    assert birth_mark(os.getpid()) == birth_mark(os.getpid())
    assert birth_mark(2**22 + 1) is None
