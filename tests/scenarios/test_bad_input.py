"""Bad input: one clear error each, nothing lost, a telling exit code, and the next right command works."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gridloop.apps.wiring import opened

pytestmark = pytest.mark.slow

DONE, FAILED, USAGE, GATE, NOT_PERMITTED, NOTHING = range(6)


@pytest.fixture
def state():
    """What a workspace has published, what its tables are at, and what is landed."""

    def read(workspace: Path):
        with opened(workspace) as session:
            published, heads = session.ledger.runs.published(), session.lake.heads()
        landed = sorted(path.name for path in (workspace / "landing").iterdir())
        return {"published": published, "heads": heads, "landed": landed}

    return read


@pytest.fixture
def personal(county):
    """Every word of the county's files that tells who somebody is."""
    with (county / "sources/personal/contact.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("CUST_ID", "NAME", "PHONE", "EMAIL", "ADDRESS")
    words = {row[column] for row in rows for column in columns if row[column]}
    assert len(words) > 3 * len(rows)
    return words


@pytest.fixture
def import_county(place, command):
    """Types `gridloop import county` on the copy's files."""
    return lambda *words: command(
        "import", "county", "--data", place.sources, "-w", place.workspace, "-q", *words
    )


@pytest.fixture
def refused(place, personal, state):
    """Asserts that an answer is one clear error and that nothing that was published has changed."""
    before = state(place.workspace)

    def check(answer, code, *parts):
        said = answer.err + answer.out
        assert answer.code == code, said
        assert answer.err.count("Error:") == 1, said
        assert "Traceback" not in said and "did not foresee" not in said
        assert "Ways out:" in answer.err and "•" in answer.err
        for part in parts:
            assert part in answer.err.replace("\n", " "), (part, answer.err)
        assert not [word for word in personal if word in said]
        after = state(place.workspace)
        assert (after["published"], after["heads"]) == (before["published"], before["heads"])

    return check


@pytest.fixture
def goes_on(place, import_county, command, state, digests):
    """Asserts that the right files come in after all and that a run completes on them."""

    def check():
        late = place.sources / "archive/region.csv"
        lines = late.read_text(encoding="utf-8").splitlines()
        late.write_text(
            "\n".join([*lines, lines[-1]]) + "\n", encoding="utf-8"
        )  # new content, nothing new in it
        answer = import_county("--json")
        assert answer.code == DONE, answer.err
        assert all(
            row["rows_in"] == row["rows_accepted"] + row["rows_superseded"] + row["rows_quarantined"]
            for row in answer.rows
        )
        answer = command("run", "-w", place.workspace, "-q", "--json")
        assert answer.code == DONE, answer.err
        now = state(place.workspace)
        assert now["published"] == now["heads"]
        with opened(place.workspace) as session:
            ids = session.published().arrow("landing_file").column("file_id").to_pylist()
        assert now["landed"] == sorted({f"{file_id}.enc" for file_id in ids})

    return check


def newest(place):
    """The newest file of readings, and a name for the one that comes after it."""
    folder = place.sources / "readings"
    return sorted(folder.glob("*.parquet"))[-1], folder / "readings_2026-01.parquet"


def scaled(rows, factor):
    """Readings in another unit."""
    for number, name in enumerate(rows.column_names):
        if name.startswith("P") and name[1:].isdecimal():
            rows = rows.set_column(number, name, pc.multiply(rows[name].cast(pa.float64()), factor))
    return rows


def test_a_truncated_parquet_file_is_named_and_the_whole_one_comes_in_later(
    place, import_county, refused, goes_on
):
    good, late = newest(place)
    late.write_bytes(good.read_bytes()[:-5000])
    refused(import_county(), FAILED, "readings_2026-01.parquet", "cannot be read as Parquet", "truncated")
    late.unlink()
    goes_on()


@pytest.mark.parametrize("content", [b"", b"not a table" * 999, bytes(range(256)) * 40], ids=len)
def test_a_file_of_other_bytes_is_named(place, import_county, refused, content):
    _, late = newest(place)
    late.write_bytes(content)
    refused(import_county(), FAILED, "readings_2026-01.parquet", "cannot be read as Parquet")
    late.unlink()
    (place.sources / "archive/meter.csv").write_bytes(content)
    refused(import_county(), GATE if b"not" in content else FAILED, "meter.csv")


def test_a_folder_in_the_place_of_a_file_and_a_file_that_is_gone_are_named(place, import_county, refused):
    meters = place.sources / "archive/meter.csv"
    meters.unlink()
    refused(import_county(), FAILED, "no file for role 'meter'", "archive/meter.csv")
    meters.mkdir()
    refused(import_county(), FAILED, "no file for role 'meter'")


def test_a_file_that_may_not_be_read_is_named(place, import_county, refused, monkeypatch):
    real = Path.open

    def denied(path, *words, **named):
        if path.name == "meter.csv":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *words, **named)

    monkeypatch.setattr(Path, "open", denied)
    refused(
        import_county(), FAILED, "'meter.csv' cannot be read", "Permission denied", "Check its permissions."
    )


@pytest.mark.parametrize(("factor", "told"), [(0.001, "do not look like Wh"), (1000.0, "No row of file")])
def test_readings_in_another_unit_are_refused_with_the_numbers_that_show_it(
    place, import_county, refused, goes_on, factor, told
):
    good, late = newest(place)
    pq.write_table(scaled(pq.read_table(good), factor), late)
    refused(import_county(), GATE, told, "readings_2026-01.parquet", "unit")
    late.unlink()
    goes_on()


def test_swapped_columns_are_refused(place, import_county, refused, goes_on):
    good, late = newest(place)
    rows = pq.read_table(good)
    swapped = {"METER_ID": "CHANNEL", "CHANNEL": "METER_ID"}
    pq.write_table(rows.rename_columns([swapped.get(name, name) for name in rows.column_names]), late)
    refused(import_county(), GATE, "No row of file", "the meter is not in the meter table")
    late.unlink()
    customers = place.sources / "archive/customer.csv"
    text = customers.read_text(encoding="utf-8")
    heading = text.splitlines()[0]
    names = [{"OPEN_DATE": "REGION_ID", "REGION_ID": "OPEN_DATE"}.get(n, n) for n in heading.split(",")]
    customers.write_text(text.replace(heading, ",".join(names), 1), encoding="utf-8")
    refused(import_county(), GATE, "customer.csv", "OPEN_DATE")
    customers.write_text(text, encoding="utf-8")
    goes_on()


def test_a_personal_file_without_its_heading_is_refused_without_showing_anybody(
    place, import_county, refused
):
    contacts = place.sources / "personal/contact.csv"
    contacts.write_text(contacts.read_text(encoding="utf-8").partition("\n")[2], encoding="utf-8")
    refused(import_county(), GATE, "contact.csv", "lacks columns")


def test_a_meter_given_twice_differently_is_told_and_accounted_for(place, import_county, command):
    meters = place.sources / "archive/meter.csv"
    lines = meters.read_text(encoding="utf-8").splitlines()
    other_point = lines[1].split(",")
    other_point[1] = lines[2].split(",")[1]
    meters.write_text("\n".join([*lines, lines[1], ",".join(other_point)]) + "\n", encoding="utf-8")
    account = import_county("--json").rows[0]
    assert account["rows_in"] == len(lines) + 1
    assert (account["rows_accepted"], account["rows_superseded"]) == (1, len(lines))
    assert command("run", "-w", place.workspace, "-q").code == DONE
    told = command("data", "check", "import.conflicting_rows", "-w", place.workspace, "--json")
    assert told.code == DONE and [row["evidence"]["rows"] for row in told.rows] == [1]


def test_a_day_of_twenty_five_hours_is_refused_where_the_recipe_says_twenty_four(
    place, import_county, refused, goes_on
):
    good, late = newest(place)
    rows = pq.read_table(good)
    for number in range(97, 101):
        rows = rows.append_column(f"P{number}", rows["P96"])
    pq.write_table(rows, late)
    refused(import_county(), GATE, "more values a day", "P97, P98, P99, P100")
    late.unlink()
    goes_on()


def test_a_full_disk_is_told_and_undone_wherever_it_happens(
    place, import_county, state, monkeypatch, goes_on
):
    published = state(place.workspace)["published"]
    good, late = newest(place)
    pq.write_table(pq.read_table(good).slice(0, 400), late)
    real = os.fsync
    for full_at in (1, 2, 3, 5, 8, 12):
        calls = iter(range(1, 1000))

        def full(handle, calls=calls, full_at=full_at):
            if next(calls) >= full_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(handle)

        monkeypatch.setattr(os, "fsync", full)
        answer = import_county()
        monkeypatch.setattr(os, "fsync", real)
        if answer.code == DONE:
            break
        # Tables cannot be put back on a full disk: readers follow what was published, the next run puts them back.
        assert answer.code == FAILED and answer.err.count("Error:") == 1, answer.err
        for part in ("The disk has no room", "free_mb", "Free space"):
            assert part in answer.err
        assert state(place.workspace)["published"] == published
    assert full_at > 3, "landing and lake files must have been met"
    goes_on()


def test_a_small_disk_that_is_really_full_loses_nothing(done_once, tmp_path, program, monkeypatch, digests):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_size for path in done_once.workspace.rglob("*") if path.is_file())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size * 2 + 2_000_000}", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here; the simulated full disk is tested above")
    try:
        workspace = disk / "workspace"
        shutil.copytree(done_once.workspace, workspace)
        monkeypatch.setenv("GRIDLOOP_KEYS", str(done_once.keys))
        before = digests(workspace)
        filler = disk / "filler"
        for left in (20_000, 100_000, 300_000):
            room = os.statvfs(disk)
            filler.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - left)))
            answer = program("run", "--force", "-w", workspace, "-q")
            filler.unlink()
            assert answer.code == FAILED and answer.err.count("Error:") == 1, answer.err
            assert "no room" in answer.err and "Ways out:" in answer.err and "foresee" not in answer.err
            assert digests(workspace) == before
        assert program("run", "--force", "-w", workspace, "-q").code == DONE
        assert digests(workspace) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_moved_workspace_works_and_its_old_place_says_that_nothing_is_there(
    place, command, digests, import_county
):
    before = digests(place.workspace)
    moved = place.workspace.with_name("moved away")
    place.workspace.rename(moved)
    assert digests(moved) == before
    outcomes = {row["outcome"] for row in command("run", "-w", moved, "-q", "--json").rows}
    assert outcomes == {"fresh"}
    gone = command("run", "-w", place.workspace)
    assert gone.code == USAGE and "is not a Gridloop workspace" in gone.err and "Ways out:" in gone.err
    assert not place.workspace.exists(), "asking must not make anything"


def test_without_the_key_analysis_goes_on_and_personal_data_stays_shut(
    place, command, import_county, refused, goes_on, digests
):
    kept = place.keys.rename(place.keys.with_name("kept"))
    before = digests(place.workspace)
    late = place.sources / "archive/region.csv"
    late.write_text(late.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    refused(import_county(), FAILED, "key", "import-key")
    refused(command("vault", "status", "-w", place.workspace), FAILED, "key file")
    assert command("data", "profile", "-w", place.workspace).code == DONE
    answer = command("run", "--force", "-w", place.workspace, "-q")
    assert answer.code == DONE, answer.err
    assert digests(place.workspace) == before
    doctor = command("doctor", "-w", place.workspace)
    assert doctor.code == FAILED and "import-key" in doctor.out.replace("\n", " ")
    kept.rename(place.keys)
    goes_on()


def test_the_key_of_another_workspace_and_a_wrong_passphrase_open_nothing(
    place, command, refused, tmp_path, monkeypatch
):
    monkeypatch.setenv("GRIDLOOP_KEY_PASSPHRASE", "correct horse battery")
    assert command("vault", "export-key", tmp_path / "copy", "-w", place.workspace).code == DONE
    key = next(place.keys.iterdir())
    whole = key.read_text()
    key.write_text(whole.replace("key: ", "key: AAAA"))
    refused(command("vault", "status", "-w", place.workspace), FAILED, "key file")
    key.unlink()
    monkeypatch.setenv("GRIDLOOP_KEY_PASSPHRASE", "wrong horse battery")
    refused(
        command("vault", "import-key", tmp_path / "copy", "-w", place.workspace), NOT_PERMITTED, "passphrase"
    )
    assert not key.exists()
    monkeypatch.setenv("GRIDLOOP_KEY_PASSPHRASE", "correct horse battery")
    assert command("vault", "import-key", tmp_path / "copy", "-w", place.workspace).code == DONE
    assert command("vault", "status", "-w", place.workspace).code == DONE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("zone = [", "cannot be read as TOML"),
        ("\x00\xff", "cannot be read as TOML"),
        ("", "is missing"),
        ('{settings}zonne = "Asia/Shanghai"\n', "'zone'"),
    ],
    ids=["cut", "binary", "empty", "unknown setting"],
)
def test_damaged_settings_are_named_and_nothing_is_touched(place, command, text, told, digests):
    settings = place.workspace / "gridloop.toml"
    whole = settings.read_text(encoding="utf-8")
    before = digests(place.workspace)
    settings.write_text(text.replace("{settings}", whole), encoding="latin-1")
    for words in (("run",), ("data", "profile"), ("import", "county", "--data", place.sources)):
        answer = command(*words, "-w", place.workspace)
        assert answer.code == USAGE, answer.err
        assert answer.err.count("Error:") == 1 and "Traceback" not in answer.err
        assert told in answer.err.replace("\n", " "), answer.err
    settings.write_text(whole, encoding="utf-8")
    assert digests(place.workspace) == before


def test_words_that_nothing_answers_to_are_told_with_what_comes_close(place, command, refused, tmp_path):
    refused(command("import", "conty", "--data", place.sources, "-w", place.workspace), USAGE, "county")
    refused(command("import", "county", "-w", place.workspace), USAGE, "--data")
    refused(command("run", "--through", "isnight", "-w", place.workspace), USAGE, "insight")
    refused(command("data", "profile", "metre", "-w", place.workspace), USAGE, "meter")
    refused(command("data", "check", "--gate", "grave", "-w", place.workspace), USAGE, "severity")
    (tmp_path / "empty").mkdir()
    empty = command("import", "county", "--data", tmp_path / "empty", "-w", place.workspace)
    refused(empty, FAILED, "There is no file for role 'region'", "--data")
    absent = command("import", "county", "--data", tmp_path / "absent", "-w", place.workspace)
    refused(absent, FAILED, "The data folder is not there.")


def test_nothing_to_do_and_the_gate_have_codes_of_their_own(place, command, import_county, refused):
    refused(import_county(), NOTHING, "already imported")
    refused(
        command("data", "check", "--gate", "warning", "-w", place.workspace), GATE, "at least of severity"
    )
    assert command("data", "check", "--gate", "critical", "-w", place.workspace).code == DONE


@pytest.mark.parametrize("part", ["ledger.db", "vault/vault.db", "lake/catalogue.db"])
def test_a_database_overwritten_with_other_bytes_is_told(place, command, personal, part):
    file = place.workspace / part
    whole = file.read_bytes()
    for other in file.parent.glob(f"{file.name}-*"):
        other.unlink()
    file.write_bytes(b"these bytes are no database " * 200)
    answer = command("import", "county", "--data", place.sources, "-w", place.workspace)
    said = answer.err + answer.out
    assert answer.code == FAILED and answer.err.count("Error:") == 1, said
    assert "Traceback" not in said and "Ways out:" in said and "foresee" not in said, said
    assert not [word for word in personal if word in said]
    file.write_bytes(whole)
    assert command("run", "-w", place.workspace, "-q").code == DONE


def test_a_ledger_restored_from_an_old_backup_is_refused_and_the_right_one_works_again(
    place, command, import_county, digests, tmp_path
):
    ledger, backup = place.workspace / "ledger.db", tmp_path / "backup.db"
    shutil.copy(ledger, backup)
    late = place.sources / "archive/region.csv"
    late.write_text(
        late.read_text(encoding="utf-8") + "LH99,LH,新镇,town,2025-01-02T02:10:00+08:00\n", "utf-8"
    )
    assert import_county().code == DONE
    now, newer = digests(place.workspace), ledger.rename(tmp_path / "newer.db")
    shutil.copy(backup, ledger)
    for words in (("run", "--force"), ("data", "compact"), ("doctor", "--mend")):
        answer = command(*words, "-w", place.workspace)
        told = " ".join((answer.err + answer.out).split())
        assert answer.code == FAILED and "The ledger is older than the lake" in told, told
        assert "import.county, " in told and "Restore a copy of the ledger" in told
    assert not list(place.workspace.glob("ledger.db-*"))
    shutil.copy(newer, ledger)
    assert digests(place.workspace) == now
    assert command("run", "-w", place.workspace, "-q").code == DONE
