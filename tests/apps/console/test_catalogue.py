"""The catalogue on the screen: every table that is written, its columns, and the steps before and after it."""

from __future__ import annotations

from gridloop.domain.tables import CATALOGUE


def test_every_table_that_may_be_written_is_in_the_catalogue(site):
    rows = {row["table"]: row for row in site.get("/catalogue.json").json()["rows"]}
    assert set(rows) == {name for name, spec in CATALOGUE.items() if not spec.planned}
    assert rows["customer"]["rows"] == 12
    assert rows["tag"]["made_by"] == ["insight.tags"]
    assert "insight.segments" in rows["feature"]["read_by"]
    assert rows["contact"]["store"] == "vault"


def test_a_table_is_found_by_its_name_in_either_language(site):
    assert [row["table"] for row in site.get("/catalogue.json?q=completeness").json()["rows"]] == [
        "completeness"
    ]
    assert "客户" in site.page("/catalogue?q=客户", "zh").text
    assert "No table is called so." in site.page("/catalogue?q=nothing").text


def test_columns_tell_their_unit_who_may_see_them_and_what_they_point_to(site):
    rows = {row["column"]: row for row in site.get("/catalogue/account.json").json()["rows"]}
    assert rows["customer_id"]["references"] == "customer.customer_id"
    page = site.page("/catalogue/account").text
    assert 'href="/catalogue/customer"' in page
    personal = {row["column"]: row for row in site.get("/catalogue/contact.json").json()["rows"]}
    assert personal["name"]["privacy"] == "personal: vault only"


def test_a_table_that_is_not_there_is_told_with_what_is_close(site):
    answer = site.page("/catalogue/custmer")
    assert answer.status_code == 404
    assert "customer" in answer.text


def test_every_table_has_a_page(site):
    for row in site.get("/catalogue.json").json()["rows"]:
        assert site.page(f"/catalogue/{row['table']}", "zh").status_code == 200
