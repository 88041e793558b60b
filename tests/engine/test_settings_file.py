"""`gridloop.toml`: whatever was written is read again, and an error shows no secret of another setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridloop.domain.errors import UsageError
from gridloop.engine.workspace import SETTINGS_FILE, Workspace

SECRET = 'ledger_url = "postgresql://gridloop:open-sesame@db/ledger"\n'


def _opened(folder: Path, settings: str) -> UsageError:
    (folder / SETTINGS_FILE).write_text(settings)
    with pytest.raises(UsageError) as told:
        Workspace.open(folder)
    return told.value


@pytest.mark.parametrize("name", ['say "hello"', "a\\b", "two\nlines\x07\x7f", "台区"])
def test_a_name_of_any_characters_survives(tmp_path: Path, name: str) -> None:
    Workspace.create(tmp_path / "w", zone="UTC", currency="CNY", name=name)

    assert Workspace.open(tmp_path / "w").config.name == name


def test_a_missing_setting_is_named_and_the_others_are_not_shown(tmp_path: Path) -> None:
    error = _opened(tmp_path, f'id = "x"\nname = "n"\nzone = "UTC"\n{SECRET}')

    assert error.what == "Setting 'currency' is missing."
    assert "open-sesame" not in str(error)


def test_a_mistyped_setting_is_named_with_the_closest_one_but_not_its_value(tmp_path: Path) -> None:
    wrong = SECRET.replace("ledger_url", "ledger_ur")
    error = _opened(tmp_path, f'id = "x"\nname = "n"\nzone = "UTC"\ncurrency = "CNY"\n{wrong}')

    assert error.what == "Setting 'ledger_ur' is not known."
    assert error.ways_out == ("Did you mean 'ledger_url'?",)
    assert "open-sesame" not in str(error)


def test_an_impossible_value_is_shown_with_the_reason(tmp_path: Path) -> None:
    error = _opened(tmp_path, 'id = "x"\nname = "n"\nzone = "UTC"\ncurrency = "CNY"\nbuckets = 0\n')

    assert error.evidence["value"] == 0
    assert "greater than or equal to 1" in str(error.evidence["reason"])
