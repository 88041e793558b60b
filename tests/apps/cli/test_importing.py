"""`import` brings in what is new and accounts for every row; asking costs nothing."""

from __future__ import annotations

import pytest

NEW_LINES = "LH99,LH,新镇,town,2025-01-02T02:10:00+08:00\nLH98,LH,无时镇,town,\n"


@pytest.fixture
def changed(demo_copy):
    """The tiny county, whose region file has a new row and a row that lacks what it must have."""
    file = demo_copy.sources / "archive" / "region.csv"
    file.write_text(file.read_text(encoding="utf-8") + NEW_LINES, encoding="utf-8")
    return demo_copy


def import_county(command, demo, *options):
    """`gridloop import county` from the demo's files into its workspace."""
    return command("import", "county", "--data", demo.sources, "-w", demo.workspace, *options)


def test_the_list_names_the_recipes_that_ship(command, tmp_path):
    answer = command("import", "--list", "-w", tmp_path, "--json")
    assert answer.code == 0
    assert {"county", "lcl", "edrp"} <= {row["name"] for row in answer.rows}
    assert {row["name"]: row["zone"] for row in answer.rows}["lcl"] == "Europe/London"
    assert list(tmp_path.iterdir()) == []


def test_the_list_names_a_workspaces_own_recipes(command, demo_copy):
    from importlib.resources import files

    text = (files("gridloop") / "library" / "recipes" / "edrp.yaml").read_text()
    (demo_copy.workspace / "recipes").mkdir()
    (demo_copy.workspace / "recipes" / "mine.yaml").write_text(text.replace("name: edrp", "name: mine"))
    names = {row["name"] for row in command("import", "--list", "-w", demo_copy.workspace, "--json").rows}
    assert {"mine", "edrp"} <= names


@pytest.mark.parametrize("words", [(), ("county",), ("--data", "x")])
def test_an_import_without_recipe_or_folder_says_what_to_type(command, words, workspace_path):
    answer = command("import", *words, "-w", workspace_path)
    assert answer.code == 2
    assert "gridloop import NAME --data DIR" in answer.err
    assert not workspace_path.exists()


def test_a_recipe_that_is_none_is_refused_before_anything_is_made(command, workspace_path, tmp_path):
    answer = command("import", "lcll", "--data", tmp_path, "-w", workspace_path)
    assert answer.code == 2
    assert "Did you mean 'lcl'" in answer.err
    assert not workspace_path.exists()


def test_files_that_were_imported_leave_nothing_to_do(command, demo_copy, state):
    before = state(demo_copy.workspace)
    answer = import_county(command, demo_copy)
    assert answer.code == 5
    assert "already imported" in answer.err
    assert state(demo_copy.workspace) == before
    last = command("job", "list", "-w", demo_copy.workspace, "--json").rows[0]
    assert (last["job"], last["outcome"], last["error"]) == ("import.county", "skipped", None)


def test_a_dry_run_names_the_files_and_changes_nothing(command, changed, state):
    before = state(changed.workspace)
    answer = import_county(command, changed, "--dry-run", "--json")
    assert answer.code == 0
    imported = {row["file"]: row["already_imported"] for row in answer.rows}
    assert [name for name, done in imported.items() if done is False] == ["region.csv"]
    assert {row["file"]: row["becomes"] for row in answer.rows}["readings_2025-12.parquet"] == "reading"
    assert state(changed.workspace) == before


def test_files_that_the_recipe_does_not_read_are_named_before_and_after(command, changed):
    sheets = {"archive/tariff_period.csv", "archive/tariff_price.csv", "archive/geography.geojson"}
    planned = import_county(command, changed, "--dry-run", "--json").rows
    assert {row["file"] for row in planned if row["role"] is None} == sheets
    text = " ".join(import_county(command, changed).out.split())
    assert "No role of the recipe reads these files" in text and all(sheet in text for sheet in sheets)


def test_a_dry_run_needs_a_workspace_and_does_not_make_one(command, workspace_path, demo):
    answer = command("import", "county", "--data", demo.sources, "-w", workspace_path, "--dry-run")
    assert answer.code == 2
    assert not workspace_path.exists()


def test_only_new_content_is_read_and_its_rows_are_accounted_for(command, changed):
    answer = import_county(command, changed, "--json")
    assert answer.code == 0
    (row,) = answer.rows
    assert (row["file"], row["rows_in"]) == ("region.csv", 27)
    assert (row["rows_accepted"], row["rows_superseded"], row["rows_quarantined"]) == (1, 25, 1)


def test_the_text_tells_what_was_kept_out_and_what_comes_next(command, changed):
    answer = import_county(command, changed)
    assert "Rows in = accepted + superseded" in answer.out
    assert f"gridloop data quarantine -w {changed.workspace}" in answer.out.replace("\n", "")
    assert f"gridloop run -w {changed.workspace}" in answer.out


def test_a_row_kept_out_is_counted_listed_and_opened_only_on_request(command, changed):
    import_county(command, changed)
    ask = ("data", "quarantine", "-w", changed.workspace, "--json")
    (counted,) = command(*ask).rows
    assert (counted["role"], counted["reason_code"], counted["rows"]) == ("region", "missing_required", 1)
    (listed,) = command(*ask, "--reason", "missing_required").rows
    assert "UPDATED_AT" in listed["reason"]
    assert "row" not in listed
    assert not any("无时镇" in str(value) for value in listed.values())
    (opened,) = command(*ask, "--reason", "missing_required", "--reveal").rows
    assert "无时镇" in opened["row"]
    newest = command("audit", "list", "-w", changed.workspace, "--json").rows[0]
    assert (newest["action"], newest["subject"]) == ("quarantine.revealed", "missing_required")


def test_a_reason_that_kept_nothing_out_is_refused_with_those_that_did(command, changed):
    import_county(command, changed)
    answer = command("data", "quarantine", "-w", changed.workspace, "--reason", "missing_require")
    assert answer.code == 2
    assert "'missing_required'" in answer.err


def test_a_source_that_cannot_be_read_changes_nothing(command, demo_copy, state):
    file = demo_copy.sources / "readings" / "readings_2025-12.parquet"
    file.write_bytes(file.read_bytes()[:1000])
    before = state(demo_copy.workspace)
    answer = import_county(command, demo_copy)
    assert answer.code in (1, 3)
    assert "readings_2025-12.parquet" in answer.err
    assert state(demo_copy.workspace) == before
    assert command("doctor", "-w", demo_copy.workspace).code == 0


def test_a_folder_that_is_not_there_is_named(command, demo_copy):
    answer = command("import", "county", "--data", demo_copy.folder / "nowhere", "-w", demo_copy.workspace)
    assert answer.code == 1
    assert "nowhere" in answer.err


def test_what_an_import_brought_is_published_and_makes_the_loop_stale(command, changed):
    run = ("run", "-w", changed.workspace, "--dry-run", "--json")
    assert {row["would_run"] for row in command(*run).rows} == {False}
    import_county(command, changed)
    stale = {row["job"]: row["would_run"] for row in command(*run).rows}
    assert (stale["data.validate"], stale["data.check"], stale["insight.features"]) == (False, True, False)
