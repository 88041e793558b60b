"""What every test may ask for: a PostgreSQL server, a place for a workspace, the public data sets."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "gridloop", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("thorough", settings.get_profile("gridloop"), max_examples=1000)
# in CI the same examples every time: what is new there should be the change, not the draw
settings.register_profile("ci", settings.get_profile("gridloop"), derandomize=True)
os.environ["GRIDLOOP_LANG"] = "en"  # what commands say is compared, whoever's machine this is
default_profile = "ci" if os.environ.get("CI") == "true" else "gridloop"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default_profile))

NewDatabase = Callable[[str | None], str]

# The server ends when its input does, so that a killed test run leaves none behind.
_UNTIL_INPUT_ENDS = '"$0" "$@" </dev/null & read -r _; kill -QUIT $!; wait $!'


@pytest.fixture
def workspace_path(tmp_path: Path) -> Path:
    """A folder that does not exist yet, for a workspace."""
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of the public data sets: GRIDLOOP_DATA, or `shared/data` beside the repository."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GRIDLOOP_DATA", default))
    if not folder.is_dir():
        pytest.skip("the public data sets are not here; name their folder in GRIDLOOP_DATA")
    return folder


@pytest.fixture(scope="session")
def new_postgres_database() -> Iterator[NewDatabase]:
    """Makes an empty database, or a copy of the one named, in a server of this test process; answers its url."""
    programs = _postgres_programs()
    if programs is None:
        reason = "no PostgreSQL server (initdb, postgres) on PATH or in /usr/lib/postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and with CI=true a missing service fails")
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="gridloop-postgres-"))
    try:
        yield from _serve(programs, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_programs() -> Path | None:
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres")):
            return (folder / "postgres").resolve().parent
    return None


def _serve(programs: Path, folder: Path) -> Iterator[NewDatabase]:
    import psycopg

    user = _unprivileged_user(folder)
    data, log = folder / "data", folder / "log"
    initdb = [programs / "initdb", "-D", data, "-U", "gridloop", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*initdb, "--no-locale", "--no-sync"], check=True, capture_output=True, cwd=folder, **user)
    options = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "full_page_writes=off")
    server = [programs / "postgres", "-D", data, *(part for option in options for part in ("-c", option))]
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["sh", "-c", _UNTIL_INPUT_ENDS, *server],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            **user,
        )
    administration = f"postgresql://gridloop@/postgres?host={folder}"
    _wait_until_it_answers(administration, log)

    def create(template: str | None = None) -> str:
        name = f"test_{secrets.token_hex(6)}"
        copied = (template or "template1").partition("?")[0].rpartition("/")[2]
        with psycopg.connect(administration, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {copied}".encode())
        return f"postgresql://gridloop@/{name}?host={folder}"

    try:
        yield create
    finally:
        assert shell.stdin is not None
        shell.stdin.close()
        shell.wait(30)


def _unprivileged_user(folder: Path) -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait_until_it_answers(url: str, log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                pytest.fail(f"the PostgreSQL server does not answer:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
