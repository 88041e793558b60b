"""The language of the terminal: who decides it, that help and errors follow it, and that data does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from gridloop.apps.cli.language import language_of
from gridloop.apps.cli.main import main
from gridloop.apps.cli.output import speak
from gridloop.domain.errors import UsageError


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    speak("en")


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--lang", "zh", "run"], {"GRIDLOOP_LANG": "en"}, "zh"),
        (["--lang=zh-CN", "run"], {}, "zh"),
        (["run"], {"GRIDLOOP_LANG": "zh", "LANG": "en_GB.UTF-8"}, "zh"),
        (["run"], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["run"], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (["run"], {"LANG": "de_DE.UTF-8"}, "en"),
        (["campaign", "report", "x", "--lang", "zh"], {}, "en"),
        ([], {}, "en"),
    ],
)
def test_the_option_then_the_variable_then_the_system_decide(arguments, environment, language):
    assert language_of(arguments, environment) == language


def test_a_language_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="'fr' is not a language"):
        language_of(["--lang", "fr"], {})


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_help_is_chinese_down_to_the_options(capsys):
    code, said, _ = _run(capsys, "--lang", "zh", "campaign", "--help")
    assert code == 0 and "活动：计划、审批、启动、发送、评判。" in said
    _, said, _ = _run(capsys, "--lang", "zh", "run", "--help")
    assert "工作区文件夹" in said and "Folder of the workspace" not in said


def test_an_error_keeps_its_code_and_says_its_ways_out_in_chinese(capsys, tmp_path):
    code, _, said = _run(capsys, "--lang", "zh", "run", "-w", str(tmp_path))
    assert code == 2 and "不是 Gridloop 工作区" in said and "出路：" in said
    assert not re.search(r"\b(Name another|Make one|Ways out)\b", said)


def test_a_table_is_chinese_and_its_data_are_not(capsys):
    _, english, _ = _run(capsys, "import", "--list", "--json")
    _, chinese, _ = _run(capsys, "--lang", "zh", "import", "--list", "--json")
    assert json.loads(english) == json.loads(chinese)
    _, said, _ = _run(capsys, "--lang", "zh", "import", "--list")
    assert "许可" in said and "licence" not in said.splitlines()[1]
