"""A report as PDF is whole or is not there, fetches nothing, and says what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gridloop.domain.errors import ServiceMissing
from gridloop.evaluation.report.printed import write_pdf

PAGE = """<!doctype html><html lang="zh"><head><title>t</title><style>p { color: #123 }</style></head>
<body><p>The effect: −3.3 %, 峰</p><svg width="40" height="20"><title>x</title><rect width="9" height="9"/></svg>
</body></html>"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_text(PAGE, encoding="utf-8")
    return file


@pytest.fixture
def printer() -> None:
    try:
        import weasyprint  # noqa: F401 - looked for
    except (ImportError, OSError) as error:  # OSError: Pango is not there
        pytest.skip(f"WeasyPrint cannot be used: {error}")


def test_a_page_becomes_a_pdf(page: Path, tmp_path: Path, printer: None) -> None:
    out = tmp_path / "page.pdf"
    out.write_bytes(b"an older one")
    write_pdf(page, out)
    assert out.read_bytes().startswith(b"%PDF-")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["page.html", "page.pdf"]


def test_a_page_that_asks_for_something_is_printed_without_fetching_it(tmp_path: Path, printer: None) -> None:
    """Nothing listens at the address: a fetch would take its time and fail; it is refused before."""
    asking = tmp_path / "asking.html"
    asking.write_text('<img src="https://reports.invalid/x.png"><p>text</p>', encoding="utf-8")
    write_pdf(asking, tmp_path / "asking.pdf")
    assert b"/XObject" not in (tmp_path / "asking.pdf").read_bytes()


def test_without_the_extra_it_says_how_to_get_it(page: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ServiceMissing, match="cannot be printed here") as told:
        write_pdf(page, tmp_path / "page.pdf")
    assert "gridloop[pdf]" in told.value.ways_out[0]
    assert not (tmp_path / "page.pdf").exists()
