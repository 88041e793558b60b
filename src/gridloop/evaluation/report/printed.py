"""The one-page report on paper: the same page as PDF, made by WeasyPrint, which the extra `pdf` brings."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

from gridloop.domain.errors import ServiceMissing


def write_pdf(page: Path, out: Path) -> None:
    """Print a report to a PDF file; the file is whole or is not there.

    Args:
        page: the report as HTML; it holds all that it shows, and nothing else is fetched.
        out: the PDF; one that is there is replaced.

    Raises:
        ServiceMissing: WeasyPrint, or a system library that it draws letters with, is not installed.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # OSError: Pango is not there
        raise ServiceMissing(
            "A report cannot be printed here: WeasyPrint or a library that it needs is not installed.",
            evidence={"reason": str(error).splitlines()[0]},
            ways_out=(
                "pip install 'gridloop[pdf]', and the system's package of Pango (Debian: libpango-1.0-0).",
                "Open the page in a browser and print it there.",
            ),
        ) from error
    for name in (
        "weasyprint",
        "fontTools",
    ):  # they tell of every rule of a style sheet that paper does not have
        logging.getLogger(name).setLevel(logging.ERROR)
    scratch = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        HTML(filename=str(page), url_fetcher=URLFetcher(allowed_protocols=("data",))).write_pdf(scratch)
        scratch.replace(out)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
