"""A job follows the definition files in force, shipped and of the workspace."""

from __future__ import annotations

from gridloop.apps.jobs.definitions import definitions_digest, follows


def test_a_file_of_the_workspace_that_is_added_changed_or_renamed_changes_the_digest(tmp_path):
    def digest():
        return definitions_digest("tags", tmp_path)

    shipped = digest()
    assert digest() == shipped
    folder = tmp_path / "tags"
    folder.mkdir()
    assert digest() == shipped
    (folder / "own.yaml").write_text("tags: []")
    added = digest()
    (folder / "own.yaml").write_text("tags: [ ]")
    changed = digest()
    (folder / "own.yaml").rename(folder / "other.yaml")
    assert len({shipped, added, changed, digest()}) == 4
    (folder / "notes.txt").write_text("not a definition")
    (folder / "other.yaml").unlink()
    assert digest() == shipped


def test_each_kind_has_its_own_digest(session):
    found = follows("tags", "segments")(session)
    assert set(found) == {"tags", "segments"}
    assert found["tags"] != found["segments"]
