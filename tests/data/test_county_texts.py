"""The county's tickets imported: the lake holds what they say and nobody who said it."""

from __future__ import annotations

import csv

import pytest

from gridloop.data.recipe_store import load_recipe
from gridloop.twin.county import County
from gridloop.twin.settings import TwinSettings


@pytest.fixture(scope="module")
def county(shared_site):
    site = shared_site("Asia/Shanghai", "CNY")
    settings = TwinSettings(customers=1500, days=31, seed=11, subjects=("service",))
    County(settings).write_sources(site.sources)
    site.run(load_recipe("county"))
    return site


def test_texts_lose_the_people_but_keep_what_they_say(county):
    with (county.sources / "personal" / "contact.csv").open(encoding="utf-8") as handle:
        people = list(csv.DictReader(handle))
    texts = [row["text"] for row in county.rows("ticket")]
    written = "".join(path.read_text(encoding="utf-8") for path in (county.sources / "service").iterdir())
    assert texts and any(person["NAME"] in written for person in people)
    secrets = {value for person in people for value in (person["NAME"], person["PHONE"]) if value}
    assert not [text for text in texts if any(secret in text for secret in secrets)]
    assert any("[name]" in text for text in texts) and any(len(text) > 20 for text in texts)
