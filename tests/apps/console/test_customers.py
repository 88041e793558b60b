"""Customers on the screen: found by pseudonym and facets, told without personal data, their year as numbers."""

from __future__ import annotations

import csv

import pytest


def test_the_list_is_narrowed_by_class_segment_and_tag(site_of, town):
    with site_of(town) as site:
        every = site.get("/customers.json").json()
        shops = site.get("/customers.json?class=shop").json()
        segment = site.get("/customers.json?segment=evening_shiftable").json()
        tagged = site.get("/customers.json?tag=evening_peak=yes&class=residential").json()
    assert every["facts"]["total"] == 86
    assert shops["facts"]["total"] == 5
    assert segment["facts"]["total"] == 40
    assert {row["class_name"] for row in tagged["rows"]} == {"home"}
    assert all("evening_peak" in row["tags"] for row in tagged["rows"])


def test_pages_follow_one_another_without_a_gap_or_a_repetition(site_of, town):
    found: list[str] = []
    with site_of(town) as site:
        after = ""
        while True:
            answer = site.get(f"/customers.json?after={after}").json()
            found += [row["customer_id"] for row in answer["rows"]]
            after = answer["facts"]["more"]
            if not after:
                break
    assert len(found) == len(set(found)) == 86
    assert found == sorted(found)


def test_a_customer_is_found_by_a_part_of_the_pseudonym_and_by_a_meter(site):
    row = site.get("/customers.json").json()["rows"][0]
    identity = row["customer_id"]
    facts = site.get(f"/customers/{identity}.json").json()["facts"]
    meter = facts["contracts"][0]["meters"][0]
    account = facts["contracts"][0]["account_id"]
    for wanted in (identity[3:9], meter, account):
        assert identity in [r["customer_id"] for r in site.get(f"/customers.json?q={wanted}").json()["rows"]]


def test_nobody_is_like_that_and_the_page_says_so(site):
    page = site.page("/customers?q=nobody").text
    assert "No customer is like that." in page


def test_a_customer_that_is_not_there_is_told_of(site):
    answer = site.page("/customers/c-nobody")
    assert answer.status_code == 404
    assert "There is no customer of that pseudonym." in answer.text
    assert "没有使用该假名的客户。" in site.page("/customers/c-nobody", "zh").text


def test_too_few_days_say_what_is_needed_and_what_is_there(site):
    identity = site.get("/customers.json").json()["rows"][0]["customer_id"]
    page = site.page(f"/customers/{identity}").text
    enough = site.get(f"/customers/{identity}.json").json()["facts"]["enough"]
    assert not enough["known"]
    assert f"That needs 270 days and 75% of readings; there are {enough['days']} days" in page


def test_tags_have_confidence_or_the_reason_in_the_readers_language(site_of, town):
    with site_of(town) as site:
        identity = site.get("/customers.json?segment=evening_shiftable").json()["rows"][0]["customer_id"]
        page, chinese = (site.page(f"/customers/{identity}", language).text for language in ("en", "zh"))
        rows = site.get(f"/customers/{identity}.json").json()["rows"]
    assert {row["tag"]: row["says"] for row in rows}["evening_peak"] == "yes"
    assert all((row["reason"] is None) == (row["confidence"] is not None) for row in rows)
    assert "Evening peak user" in page
    assert "晚高峰用户" in chinese
    assert 'href="/segments/evening_shiftable"' in page


def test_the_year_is_every_reading_in_kilowatts(site_of, town):
    with site_of(town) as site:
        heat = site.get("/customers/e00/year.json").json()["facts"]["heat"]
        rows = site.get("/customers/e00/year.json").json()["rows"]
        page = site.page("/customers/e00").text
    assert len(heat["days"]) == len(heat["values"]) == 365
    assert heat["values"][-1][:3] == [0.1, 0.1, 0.1]
    assert heat["top"] == 0.6
    assert rows[0] == {
        "day": "2024-12-31",
        "kwh": pytest.approx(4.9),
        "highest_kw": 0.6,
        "at": "17:00",
        "share_read": 1.0,
    }
    assert "highest 0.6 kW" in page
    assert 'data-heat="/customers/e00/year.json"' in page


def test_a_customer_without_a_meter_has_no_picture_but_an_answer(site_of, town):
    with site_of(town) as site:
        page = site.page("/customers/new").text
        year = site.get("/customers/new/year.json").json()
    assert "data-heat" not in page
    assert "Nothing was read at this customer&#39;s meters." in page
    assert year["rows"] == []


def test_messages_and_answers_of_a_campaign_are_on_the_timeline(site):
    found = [
        event
        for row in site.get("/customers.json").json()["rows"]
        for event in site.get(f"/customers/{row['customer_id']}.json").json()["facts"]["timeline"]
    ]
    kinds = {event["kind"] for event in found}
    assert {"since", "contract"} <= kinds
    assert all(event["what"] for event in found)
    assert all(event["campaign_name"] for event in found if event["campaign"])


def test_no_personal_data_is_on_a_page(site, demo):
    identity = site.get("/customers.json").json()["rows"][0]["customer_id"]
    pages = ("/customers", "/customers.json", f"/customers/{identity}", f"/customers/{identity}.json")
    texts = [site.page(path).text for path in pages]
    (file,) = (demo.sources / "personal").iterdir()
    with file.open(encoding="utf-8", newline="") as stream:
        people = list(csv.DictReader(stream))
    assert len(people) >= 12
    for person in people:
        for column in ("CUST_ID", "NAME", "PHONE", "EMAIL", "ADDRESS"):
            assert not person[column] or not any(person[column] in text for text in texts)
