"""Wrong input ends with one clear error; what was published stays, and the right command works afterwards."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.apps.cli.main import main
from gridloop.apps.wiring import opened

pytestmark = pytest.mark.slow

HOMES = [f"MAC{home:06d}" for home in range(1, 5)]
FIRST_END = datetime(2013, 10, 25, 23, 30)
"""UTC end of the first half-hour of 26 October 2013, a day of British Summer Time; the next day has 25 hours."""
DAY_26, DAY_27 = 48, 50
READINGS = "readings_halfhourly_2013.parquet"


def half_hours(count):
    """Readings of every home in the trial's form: household, UTC end stamp, kWh."""
    rows = [(home, FIRST_END + timedelta(minutes=30 * n), 0.2) for home in HOMES for n in range(count)]
    homes, stamps, kwh = zip(*rows, strict=True)
    return pa.table({"household_id": homes, "ts": pa.array(stamps, pa.timestamp("us")), "kwh": kwh})


def write_trial(folder, half_hour_count):
    """The trial's files with its four homes."""
    folder.mkdir()
    pq.write_table(half_hours(half_hour_count), folder / READINGS)
    people = [f"{home},Std,ACORN-A,Affluent" for home in HOMES]
    (folder / "households.csv").write_text("\n".join(["LCLid,stdorToU,Acorn,Acorn_grouped", *people, ""]))
    prices = [
        f"2013-10-26 {hour:02d}:{half},Normal,11.76" for hour in range(24) for half in ("00:00", "30:00")
    ]
    (folder / "dtou_tariff_2013_halfhourly.csv").write_text(
        "\n".join(["ts,tariff,pence_per_kwh", *prices, ""])
    )
    (folder / "uk_bank_holidays.csv").write_text("Bank holidays,Type\n2013-08-26,Summer bank holiday\n")
    return folder


class Trial:
    """A workspace into which one day of the trial was imported, and files with the next day to import."""

    def __init__(self, folder, command, digests):
        self.folder, self.workspace, self.sources = folder, folder / "workspace", folder / "sources"
        self.command, self.digests = command, digests

    def bring_in(self):
        """`gridloop import lcl` from the files as they now are."""
        return self.command("import", "lcl", "--data", self.sources, "-w", self.workspace, "--json")

    def published(self):
        """Content digest of every table."""
        return self.digests(self.workspace)

    def correct(self):
        """The files as they should be."""
        shutil.rmtree(self.sources)
        write_trial(self.sources, DAY_26 + DAY_27)


@pytest.fixture(scope="module")
def typed():
    """Types `gridloop` and the words given, in this process, for what tests share."""

    def type_words(*words):
        errors = io.StringIO()
        with redirect_stdout(io.StringIO()), redirect_stderr(errors):
            try:
                code = main([str(word) for word in words])
            except SystemExit as ended:
                code = ended.code
        assert not code, errors.getvalue()

    return type_words


@pytest.fixture(scope="module")
def imported_day(tmp_path_factory, typed):
    """The trial's first day, imported and run; use `trial`, which is a copy."""
    folder = tmp_path_factory.mktemp("trial")
    write_trial(folder / "sources", DAY_26)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
        for words in (("import", "lcl", "--data", folder / "sources"), ("run",)):
            typed(*words, "-w", folder / "workspace")
    return folder


@pytest.fixture
def trial(imported_day, tmp_path, monkeypatch, command, digests):
    """A copy of the imported first day."""
    shutil.copytree(imported_day, tmp_path / "trial")
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "trial" / "keys"))
    made = Trial(tmp_path / "trial", command, digests)
    made.correct()
    return made


@pytest.fixture(scope="session")
def personal_words(county):
    """Every name, telephone number, mail and postal address of the county's people."""
    with (county / "sources" / "personal" / "contact.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row[column] for row in rows for column in ("NAME", "PHONE", "EMAIL", "ADDRESS") if row[column]}


def assert_refused(answer, code, *words, evidence=True):
    """One error that names these words, shows evidence and ways out, and ends with the code."""
    told = answer.err
    print(told)
    assert answer.code == code, answer
    assert len(re.findall(r"^Error: ", told, re.MULTILINE)) == 1
    assert "Traceback" not in told + answer.out
    assert "did not foresee" not in told
    message = told[told.index("Error: ") :]
    before, ways_out, after = message.partition("  Ways out:\n")
    assert ways_out and "    • " in after
    assert not evidence or re.search(r"^  [^ ].*?: .", before, re.MULTILINE)
    flat = " ".join(message.split())
    assert [word for word in words if word not in flat] == []


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def garble(file):
    file.write_bytes(b"\x00\x01\xff not a table \xfe" * 50)


def become_a_folder(file):
    file.unlink()
    file.mkdir()


def change_unit(file):
    table = pq.read_table(file)
    pq.write_table(table.set_column(2, "kwh", pa.array([v * 1000 for v in table["kwh"].to_pylist()])), file)


def swap_columns(file):
    table = pq.read_table(file)
    pq.write_table(table.rename_columns(["household_id", "kwh", "ts"]), file)


def swap_text_columns(file):
    lines = [line.split(",") for line in file.read_text().splitlines()]
    swapped = [lines[0], *([line[1], line[0], *line[2:]] for line in lines[1:])]
    file.write_text("\n".join(map(",".join, swapped)) + "\n")


def lose_a_column(file):
    pq.write_table(pq.read_table(file).drop_columns(["kwh"]), file)


@pytest.mark.parametrize(
    ("name", "damage", "code", "words"),
    [
        (READINGS, truncate, 1, ["cannot be read as Parquet", "truncated"]),
        (READINGS, garble, 1, ["cannot be read as Parquet"]),
        (READINGS, become_a_folder, 1, ["no file for role 'readings'"]),
        (READINGS, change_unit, 3, ["'kwh'", READINGS]),
        (READINGS, swap_columns, 3, ["'ts' and 'kwh'", "swapped"]),
        (READINGS, lose_a_column, 3, ["lacks columns", "missing: kwh"]),
        ("households.csv", garble, 1, ["households.csv"]),
        ("households.csv", swap_text_columns, 3, ["'LCLid' and 'stdorToU'", "swapped"]),
        ("households.csv", lambda file: file.write_bytes(b""), 1, ["households.csv"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_file_that_is_not_what_it_should_be_is_refused_whole(trial, name, damage, code, words):
    before = trial.published()
    damage(trial.sources / name)
    assert_refused(trial.bring_in(), code, *words)
    assert trial.published() == before
    trial.correct()
    assert trial.bring_in().code == 0
    assert trial.published() != before


def test_the_25_hour_day_is_kept_whole(trial):
    answer = trial.bring_in()
    assert answer.code == 0
    [readings] = [row for row in answer.rows if row["role"] == "readings"]
    assert (readings["rows_quarantined"], readings["intervals_missing"]) == (0, 0)
    assert lengths(trial.workspace) == {"2013-10-26": {DAY_26}, "2013-10-27": {DAY_27}}


def lengths(workspace):
    """Interval counts of the published day-vectors by day, missing intervals not counted."""
    with opened(workspace) as session:
        view = session.published()
        rows = view.arrow("reading").to_pylist()
        view.close()
    found = {}
    for row in rows:
        found.setdefault(str(row["day"]), set()).add(sum(value is not None for value in row["wh"]))
    return found


WIDE = """
name: wide_british
version: "1"
title: A meter's half-hours of a day in one row
zone: {name: Europe/London, evidence: made for this test and nothing else}
stamps: {written_in: local, marks: start, evidence: made for this test and nothing else}
identity: {kind: pseudonymous, evidence: made for this test and nothing else}
origin: {provenance: written by the test, purpose: testing}
available: {rule: end_of_day, plus: P1D, basis: made for this test}
window: {first_day: 2013-01-01, last_day: 2013-12-31}
currency: GBP
files:
  - role: readings
    pattern: wide.csv
    format: csv
    columns: {METER: string, DAY: date}
    readings:
      meter: METER
      day: DAY
      points: {prefix: P, count: 51}
      channel: import_wh
      unit: Wh
      interval_minutes: 30
      typical_day_kwh: [1, 40]
"""


def test_a_51st_half_hour_of_the_25_hour_day_is_kept_out_with_its_reason(trial, command):
    (trial.workspace / "recipes").mkdir()
    (trial.workspace / "recipes" / "wide_british.yaml").write_text(WIDE)
    header = ",".join(["METER", "DAY", *(f"P{n + 1}" for n in range(51))])
    rows = [",".join([meter, "2013-10-27", *["200"] * 51]) for meter in ("w1", "w2")]
    (trial.sources / "wide.csv").write_text("\n".join([header, *rows, ""]))
    words = ("--data", trial.sources, "-w", trial.workspace, "--json")
    answer = command("import", "wide_british", *words)
    assert answer.code == 0, answer.err
    [account] = answer.rows
    counts = [account[f"intervals_{part}"] for part in ("in", "accepted", "quarantined", "missing")]
    assert counts == [102, 100, 2, 0]
    assert lengths(trial.workspace)["2013-10-27"] == {DAY_27}
    [kept_out] = command("data", "quarantine", "-w", trial.workspace, "--json").rows
    assert (kept_out["reason_code"], kept_out["intervals"]) == ("surplus_intervals", 2)


def test_duplicate_meters_in_the_archive_are_counted_and_change_nothing_else(trial, digests):
    assert trial.bring_in().code == 0
    before = trial.published()
    with (trial.sources / "households.csv").open("a") as file:
        file.write(f"{HOMES[0]},Std,ACORN-A,Affluent\n{HOMES[1]},Std,ACORN-A,Affluent\n")
    answer = trial.bring_in()
    assert answer.code == 0, answer.err
    [account] = answer.rows
    assert (account["rows_in"], account["rows_accepted"]) == (6, 0)
    assert (account["rows_superseded"], account["rows_quarantined"]) == (6, 0)
    after = trial.published()
    assert {name for name in after if after[name] != before.get(name)} <= {
        "landing_file",
        "row_account",
        "quality_finding",
    }


class FullDisk:
    """A disk that takes no more: every forced write from the n-th on fails, or the n-th only."""

    def __init__(self, patch, *, after, for_good):
        self.written, self.after, self.for_good = 0, after, for_good
        self._sync = os.fsync
        patch.setattr(os, "fsync", self.sync)

    def sync(self, handle):
        self.written += 1
        if self.written == self.after or (self.for_good and self.written > self.after):
            raise OSError(errno.ENOSPC, "No space left on device")
        self._sync(handle)


@pytest.fixture(scope="module")
def second_day(imported_day, tmp_path_factory, typed):
    """How often an import of the second day forces a write, and what it publishes when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("second") / "trial"
    shutil.copytree(imported_day, folder)
    shutil.rmtree(folder / "sources")
    write_trial(folder / "sources", DAY_26 + DAY_27)
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
        disk = FullDisk(patch, after=-1, for_good=False)
        typed("import", "lcl", "--data", folder / "sources", "-w", folder / "workspace")
        with opened(folder / "workspace") as session:
            view = session.published()
            digests = view.digests()
            view.close()
    return disk.written, digests


@pytest.mark.parametrize(
    ("share", "for_good"), [(0.0, True), (0.15, False), (0.4, False), (0.6, True), (0.8, False), (0.95, True)]
)
def test_a_full_disk_is_told_and_loses_nothing(trial, second_day, share, for_good):
    writes, complete = second_day
    before = trial.published()
    with pytest.MonkeyPatch.context() as patch:
        FullDisk(patch, after=1 + int(share * (writes - 1)), for_good=for_good)
        answer = trial.bring_in()
    assert_refused(answer, 1, "no room", "free_mb", "Free space")
    assert trial.published() == before
    assert trial.bring_in().code == 0
    assert trial.published() == complete


def test_a_disk_that_is_full_when_all_is_published_fails_nothing(trial, second_day):
    writes, complete = second_day
    with pytest.MonkeyPatch.context() as patch:
        FullDisk(
            patch, after=writes - 1, for_good=True
        )  # the lake's note of the publication, which mending writes too
        assert trial.bring_in().code == 0
    assert trial.published() == complete
    assert trial.bring_in().code == 5


def test_a_moved_workspace_works_where_it_now_is(trial, command):
    before = trial.published()
    moved = trial.folder / "elsewhere" / "renamed"
    moved.parent.mkdir()
    trial.workspace.rename(moved)
    assert_refused(command("run", "-w", trial.workspace), 2, "is not a Gridloop workspace", "gridloop init")
    trial.workspace = moved
    assert trial.published() == before
    assert {row["outcome"] for row in command("run", "-w", moved, "--json").rows} == {"fresh"}
    assert trial.bring_in().code == 0
    assert command("doctor", "-w", moved).code == 0


def test_without_the_key_nothing_comes_in_but_analysis_goes_on(trial, command, tmp_path):
    before = trial.published()
    (trial.folder / "keys").rename(tmp_path / "a drawer")
    assert_refused(trial.bring_in(), 1, "key", "vault import-key")
    assert trial.published() == before
    assert command("run", "-w", trial.workspace, "--force").code == 0
    assert command("data", "profile", "-w", trial.workspace).code == 0
    assert trial.published() == before
    shutil.rmtree(trial.folder / "keys", ignore_errors=True)
    (tmp_path / "a drawer").rename(trial.folder / "keys")
    assert trial.bring_in().code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zone = [", ["cannot be read as TOML"]),
        ('\nzome = "Europe/London"\n', ["'zome'"]),
        ("\xff\xfe", ["cannot be read as TOML"]),
        ("", ["is missing"]),
    ],
    ids=["no toml", "unknown setting", "no text", "empty"],
)
@pytest.mark.parametrize("words_typed", [("run",), ("data", "profile")], ids=" ".join)
def test_damaged_settings_are_told(trial, command, text, words, words_typed):
    before = trial.published()
    settings = trial.workspace / "gridloop.toml"
    good = settings.read_bytes()
    settings.write_bytes((good if "zome" in text else b"") + text.encode("latin-1"))
    assert_refused(command(*words_typed, "-w", trial.workspace), 2, *words, evidence="TOML" in words[0])
    settings.write_bytes(good)
    assert trial.published() == before
    assert trial.bring_in().code == 0


def test_an_unknown_recipe_is_told_with_the_nearest(trial, command):
    before = trial.published()
    answer = command("import", "lcll", "--data", trial.sources, "-w", trial.workspace)
    assert_refused(answer, 2, "'lcll'", "'lcl'", evidence=False)
    assert trial.published() == before


def test_a_folder_without_files_is_told_with_what_was_looked_for(trial, tmp_path):
    before = trial.published()
    trial.sources = tmp_path / "empty"
    trial.sources.mkdir()
    assert_refused(trial.bring_in(), 1, "There is no file for role", "pattern:")
    assert trial.published() == before


def test_files_imported_before_leave_nothing_to_do(trial):
    assert trial.bring_in().code == 0
    before = trial.published()
    assert_refused(trial.bring_in(), 5, "already imported")
    assert trial.published() == before


def swap_name_and_phone(sources):
    file = sources / "personal" / "contact.csv"
    with file.open(encoding="utf-8") as source:
        lines = list(csv.reader(source))
    name, phone = lines[0].index("CUST_ID"), lines[0].index("UPDATED_AT")
    for line in lines[1:]:
        line[name], line[phone] = line[phone], line[name]
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(lines)


def lose_the_header(sources):
    file = sources / "personal" / "contact.csv"
    file.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[1:]), encoding="utf-8")


def encode_otherwise(sources):
    file = sources / "personal" / "contact.csv"
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-16")


def quote_open(sources):
    file = sources / "personal" / "contact.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(",", ',"', 40), encoding="utf-8")


def truncate_a_month(sources):
    truncate(sorted(sources.glob("readings/*.parquet"))[0])


def change_unit_of_a_month(sources):
    file = sorted(sources.glob("readings/*.parquet"))[0]
    table = pq.read_table(file)
    for position, name in enumerate(table.column_names):
        if re.fullmatch(r"P\d+", name):
            values = [None if v is None else v * 1000 for v in table[name].to_pylist()]
            table = table.set_column(position, name, pa.array(values, pa.int64()))
    pq.write_table(table, file)


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        (swap_name_and_phone, (3,)),
        (lose_the_header, (3,)),
        (encode_otherwise, (1, 3)),
        (quote_open, (1, 3)),
        (truncate_a_month, (1,)),
        (change_unit_of_a_month, (3,)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_no_error_about_a_countys_files_names_a_person(
    place, command, digests, personal_words, damage, codes
):
    before = digests(place.workspace)
    damage(place.sources)
    answer = command("import", "county", "--data", place.sources, "-w", place.workspace)
    assert answer.code in codes, answer
    assert_refused(answer, answer.code)
    assert [word for word in personal_words if word in answer.err + answer.out] == []
    assert digests(place.workspace) == before
