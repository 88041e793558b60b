"""What any page of any app keeps to: three forms, headers, tags, guarded forms, errors as pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gridloop.apps.web.guard import POLICY
from gridloop.apps.web.page import Action, Answer, Context, Page
from gridloop.apps.web.server import Site
from gridloop.apps.web.sessions import Sessions
from gridloop.apps.wiring import create
from gridloop.domain.errors import NotPermitted

HOME = "http://127.0.0.1"
DANGEROUS = "=HYPERLINK(1)"


def table(context: Context) -> Answer:
    """A page with a cell that a spreadsheet would carry out, and the filter it was asked with."""
    return Answer([{"name": DANGEROUS, "rows": 3}], {"wanted": context.query.get("q", "")})


def broken(_: Context) -> Answer:
    """A page that fails as nobody foresaw, with data in the error."""
    raise ZeroDivisionError("13900001111")


def forbidden(_: Context) -> Answer:
    """A page that must not be seen."""
    raise NotPermitted("This is not for you.", evidence={"page": "x"}, ways_out=("Ask the manager.",))


PAGES = [
    Page("/table", "Table", "data", "error.html", table),
    Page("/broken", "Broken", "data", "error.html", broken),
    Page("/forbidden", "Forbidden", "data", "error.html", forbidden),
    Page("/things/{thing}", "Thing", "data", "error.html", table, listed=False),
]
done: list[str] = []


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    done.clear()
    create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY").close()

    def act(context: Context, fields: Any) -> str:
        done.append(fields["word"])
        return "/table"

    site = Site(Sessions(tmp_path / "w", "ann"), PAGES, [Action("/act", act)], ["gridloop.apps.web"], {})
    with TestClient(site.app, base_url=HOME, follow_redirects=False) as made:
        yield made


def test_a_page_is_json_and_csv_at_its_own_address(client):
    answer = client.get("/table.json?q=7").json()
    assert answer["rows"] == [{"name": DANGEROUS, "rows": 3}]
    assert answer["facts"] == {"wanted": "7"}
    text = client.get("/table.csv").content.decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(text))) == [{"name": f"'{DANGEROUS}", "rows": "3"}]
    assert client.get("/things/a.b.csv").headers["content-type"].startswith("text/csv")


def test_every_answer_carries_the_policy_and_its_companions(client):
    for path in ("/table.json", "/nowhere", "/broken", "/forbidden", "/static/x/y.js"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in POLICY and "http" not in POLICY


def test_a_reader_who_has_the_page_is_sent_no_page(client):
    first = client.get("/table.json")
    again = client.get("/table.json", headers={"if-none-match": first.headers["etag"]})
    other = client.get("/table.json?q=1", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_an_unforeseen_error_shows_its_kind_and_no_data(client):
    answer = client.get("/broken", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.text
    assert "13900001111" not in answer.text


def test_an_error_is_a_page_for_people_and_a_problem_for_programs(client):
    page = client.get("/forbidden", headers={"accept": "text/html"})
    assert page.status_code == 403
    assert "This is not for you." in page.text and "Ask the manager." in page.text
    problem = client.get("/forbidden.json")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json() == {
        "type": "about:blank",
        "title": "NotPermitted",
        "status": 403,
        "detail": "This is not for you.",
        "instance": "/forbidden.json",
        "evidence": {"page": "x"},
        "ways_out": ["Ask the manager."],
    }


def test_an_address_without_a_page_is_told_in_the_reader_s_language(client):
    answer = client.get("/nowhere", headers={"accept": "text/html", "accept-language": "zh"})
    assert answer.status_code == 404
    assert "此地址没有页面。" in answer.text


def test_a_host_name_that_is_not_ours_is_turned_away(client):
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert client.get("/table.json", headers={"host": host}).status_code == 421
    for host in ("localhost:8765", "127.0.0.1:1", "[::1]:8765"):
        assert client.get("/table.json", headers={"host": host}).status_code == 200


def token(client: TestClient) -> str:
    """The token of a form, from any page."""
    return client.get("/nowhere", headers={"accept": "text/html"}).text.partition('name="token" value="')[2][
        :64
    ]


def test_a_form_of_ours_is_carried_out(client):
    answer = client.post("/act", data={"token": token(client), "word": "yes"}, headers={"origin": HOME})
    assert (answer.status_code, answer.headers["location"], done) == (303, "/table", ["yes"])


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_a_form_of_another_site_is_refused(client, headers):
    answer = client.post("/act", data={"token": token(client), "word": "no"}, headers=headers)
    assert (answer.status_code, done) == (403, [])


def test_a_form_without_its_token_or_with_another_s_is_refused(client):
    good = token(client)
    assert client.post("/act", data={"word": "no"}).status_code == 403
    assert client.post("/act", data={"token": good[::-1], "word": "no"}).status_code == 403
    client.cookies.clear()
    assert client.post("/act", data={"token": good, "word": "no"}).status_code == 403
    assert done == []


def test_a_form_that_is_far_too_large_is_refused(client):
    assert client.post("/act", data={"token": token(client), "word": "x" * 70_000}).status_code == 422


def test_the_chosen_language_stays_and_leads_nowhere_else(client):
    answer = client.post("/language", data={"token": token(client), "language": "zh", "back": "/table?q=1"})
    assert answer.headers["location"] == "/table?q=1"
    assert (
        '<html lang="zh-CN">'
        in client.get("/nowhere", headers={"accept": "text/html", "accept-language": "en"}).text
    )
    for back in ("//evil.example", "/\\evil.example", "https://evil.example"):
        away = client.post("/language", data={"token": token(client), "language": "en", "back": back})
        assert away.headers["location"] == "/"


def test_files_are_kept_for_ever_under_the_digest_of_their_content(client):
    page = client.get("/nowhere", headers={"accept": "text/html"}).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = client.get(address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert client.get(address.replace("/static/", "/static/0")).status_code == 404
    assert client.get("/static/x/../../page.py").status_code == 404
