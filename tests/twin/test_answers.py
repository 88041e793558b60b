"""How the county's people answer: deterministic, spread over days, and on average as field studies found."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.domain.errors import UsageError
from gridloop.twin.answers import AnswerEvent, Answers
from gridloop.twin.county import County, TwinSettings
from gridloop.twin.names import Contact, draw_contacts
from gridloop.twin.reactions import appeal, avoided_share

END = date(2025, 5, 31)
SENT = datetime(2025, 6, 2, 2, 0, tzinfo=UTC)
LATER = SENT + timedelta(days=60)
OFFER = {"tariff": "tou-evening", "saving": "60.00", "currency": "CNY"}
EVENING = (17 * 60, 22 * 60)

ADDRESS: dict[str, Callable[[Contact], str | None]] = {
    "app": lambda person: person.phone,
    "sms": lambda person: person.phone,
    "phone": lambda person: person.phone,
    "email": lambda person: person.email,
}


def _contacts(county: County) -> list[Contact]:
    simulation = county.simulation
    return draw_contacts(county.settings, simulation.premises, simulation.network, county.contracts)


def _homes(county: County) -> list[int]:
    """Contract rows of homes on the standard tariff that are in force."""
    contracts, day = county.contracts, county.settings.end.toordinal()
    return [
        row
        for row in range(len(contracts))
        if contracts.tariff_id[row] == "RES-TIER" and contracts.ends[row] > day
    ]


def _send(
    answers: Answers, county: County, rows: Iterable[int], channel: str = "app", name: str = "m", **facts: str
) -> int:
    contacts, sent = _contacts(county), 0
    for row in rows:
        address = ADDRESS[channel](contacts[row])
        if address is not None:
            assert answers.receive(f"{name}|{row}", channel, address, SENT, OFFER | facts)
            sent += 1
    return sent


@pytest.fixture(scope="module")
def small() -> County:
    return County(TwinSettings(customers=150, days=30, seed=4, end=END, continued_days=60))


@pytest.fixture(scope="module")
def town() -> County:
    """Large enough for shares: about 4,300 homes on the standard tariff."""
    return County(TwinSettings(customers=7000, days=10, seed=8, end=END, continued_days=60))


@pytest.fixture(scope="module")
def offered(town: County) -> Answers:
    """Every home got the offer, with no regard to what it would save, by app, e-mail or text message in turn; fifths of
    the homes are told what homes of this county save by tou-evening at the 10th, 30th … 90th percentile.
    """
    answers, homes = Answers(town), _homes(town)
    for fifth, saving in enumerate(("-130", "-38", "3", "45", "155")):
        for third, channel in enumerate(("app", "email", "sms")):
            _send(answers, town, homes[fifth::5][third::3], channel, saving=saving)
    return answers


def _kinds(events: list[AnswerEvent]) -> Counter[str]:
    return Counter(event.kind for event in events)


def test_a_message_to_an_address_that_nobody_has_is_refused(small: County, tmp_path: Path) -> None:
    answers, contacts = Answers(small, tmp_path), _contacts(small)
    mail = next(person.email for person in contacts if person.email)
    assert not answers.receive("m1", "sms", "11199999999", SENT, OFFER)
    assert not answers.receive("m2", "email", "nobody@lanhe.example", SENT, OFFER)
    assert not answers.receive("m3", "sms", mail, SENT, OFFER)
    assert answers.events(LATER) == [] and list(tmp_path.iterdir()) == []


def test_what_cannot_be_answered_is_refused(small: County) -> None:
    answers = Answers(small)
    phone = next(person.phone for person in _contacts(small) if person.phone)
    with pytest.raises(UsageError, match="no channel 'letter'"):
        answers.receive("m", "letter", phone, SENT, OFFER)
    with pytest.raises(UsageError, match="zone"):
        answers.receive("m", "sms", phone, SENT.replace(tzinfo=None), OFFER)
    with pytest.raises(UsageError, match="no tariff 'tou-evenin'"):
        answers.receive("m", "sms", phone, SENT, {"tariff": "tou-evenin"})
    with pytest.raises(UsageError, match="cannot answer"):
        answers.receive("m", "sms", phone, SENT, {"tariff": "lcl-dtou"})
    with pytest.raises(UsageError, match="no number"):
        answers.receive("m", "sms", phone, SENT, {"tariff": "tou-evening", "saving": "much"})
    assert answers.events(LATER) == []


def test_the_same_message_twice_is_one_message(small: County, tmp_path: Path) -> None:
    answers, rows = Answers(small, tmp_path), _homes(small)
    sent = _send(answers, small, rows)
    before = answers.events(LATER)
    _send(answers, small, rows, saving="9999")
    assert answers.events(LATER) == before
    assert len(list(tmp_path.rglob("*.json"))) == sent
    assert len({event.event_id for event in before}) == len(before)


def test_answers_depend_on_seed_address_and_message_alone(small: County, tmp_path: Path) -> None:
    rows = _homes(small)
    together, other = Answers(small, tmp_path / "a"), Answers(small, tmp_path / "b")
    _send(together, small, rows)
    for row in reversed(rows[:40]):
        _send(other, small, [row])
    alone = other.events(LATER)
    mine = {event.message_id for event in alone}
    assert [event for event in together.events(LATER) if event.message_id in mine] == alone
    again = Answers(small)
    _send(again, small, rows, name="n")
    assert [event.kind for event in again.events(LATER)] != [event.kind for event in together.events(LATER)]


def test_another_process_sees_the_same_whatever_a_kill_left_behind(small: County, tmp_path: Path) -> None:
    first = Answers(small, tmp_path)
    _send(first, small, _homes(small))
    whole = next(tmp_path.rglob("*.json"))
    whole.with_suffix(".4711.part").write_bytes(whole.read_bytes()[:10])
    second = Answers(small, tmp_path)
    assert second.events(LATER) == first.events(LATER)
    _send(first, small, _homes(small), name="later")
    assert second.events(LATER) == first.events(LATER)


def test_a_kill_at_any_moment_leaves_whole_messages_or_none(small: County, tmp_path: Path) -> None:
    whole = Answers(small)
    _send(whole, small, _homes(small))
    expected = {event.message_id for event in whole.events(LATER)}
    Answers(small, tmp_path).receive("warm up", "sms", "nobody", SENT, OFFER)
    for milliseconds in (2, 5, 9, 14):
        child = os.fork()
        if child == 0:
            _send(Answers(small, tmp_path), small, _homes(small))
            os._exit(0)
        time.sleep(milliseconds / 1000)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen = Answers(small, tmp_path).events(LATER)
        assert {event.message_id for event in seen} <= expected
        assert [event for event in whole.events(LATER) if event in seen] == seen
    again = Answers(small, tmp_path)
    _send(again, small, _homes(small))
    assert again.events(LATER) == whole.events(LATER)


def test_hourly_meters_answer_too(tmp_path: Path) -> None:
    settings = TwinSettings(customers=60, days=31, seed=4, end=END, continued_days=30, interval_minutes=60)
    county = County(settings)
    answers = Answers(county, tmp_path / "truth")
    _send(answers, county, _homes(county), saving="800")
    county.write_continuation(tmp_path / "later", answers, truth=tmp_path / "truth")
    assert answers.responses().enrolments
    assert "P24" in pq.read_schema(tmp_path / "later" / "readings" / "readings_2025-06.parquet").names
    with pytest.raises(UsageError, match="spans of one day"):
        answers.effect_truth([(1035, 1320)], END + timedelta(days=1), END + timedelta(days=2))


def test_answers_come_in_over_time_and_stay(small: County) -> None:
    answers = Answers(small)
    sent = _send(answers, small, _homes(small))
    told = [answers.events(SENT + timedelta(hours=hours)) for hours in (0, 1, 24, 240, 2400)]
    assert told[0] == [] and sent < len(told[1]) < len(told[2]) < len(told[3])
    for sooner, later in itertools.pairwise(told):
        assert later[: len(sooner)] == sooner
    assert all(event.at > SENT for event in told[-1])


def test_each_message_is_delivered_or_bounces_before_anything_else(small: County) -> None:
    answers = Answers(small)
    _send(answers, small, _homes(small))
    first: dict[str, str] = {}
    for event in answers.events(LATER):
        first.setdefault(event.message_id, event.kind)
        if first[event.message_id] == "bounced":
            assert event.kind == "bounced"
    assert set(first.values()) == {"delivered", "bounced"}


def test_seven_in_a_hundred_enrol_when_nobody_is_chosen(town: County, offered: Answers) -> None:
    sent = sum(event.kind in ("delivered", "bounced") for event in offered.events(LATER))
    share = _kinds(offered.events(LATER))["accepted"] / sent
    assert sent > 3200
    assert share == pytest.approx(0.07, abs=0.01)


def test_a_large_saving_persuades_more_than_a_loss(town: County) -> None:
    share = {}
    for saving in ("-150", "400"):
        answers = Answers(town)
        sent = _send(answers, town, _homes(town), saving=saving)
        share[saving] = _kinds(answers.events(LATER))["accepted"] / sent
    assert share["400"] > 2.5 * share["-150"] > 0.05
    assert [round(appeal(saving), 1) for saving in (-150.0, 0.0, 25.0, 200.0)] == [0.4, 0.8, 1.0, 2.0]


@pytest.mark.parametrize(("channel", "bounced", "opened"), [
    ("app", 0.015, 0.55), ("sms", 0.03, 0.0), ("email", 0.04, 0.40), ("phone", 0.10, 0.46),
])  # fmt: skip
def test_channels_bounce_and_are_read_in_their_own_shares(
    town: County, channel: str, bounced: float, opened: float
) -> None:
    answers = Answers(town)
    sent = _send(answers, town, _homes(town), channel)
    kinds = _kinds(answers.events(LATER))
    assert kinds["bounced"] / sent == pytest.approx(bounced, abs=0.01)
    assert kinds["opened"] / sent == pytest.approx(opened, abs=0.03)
    assert 0.002 < kinds["unsubscribed"] / sent < 0.008
    assert kinds["complained"] / sent < 0.002


def test_a_dead_address_bounces_again(town: County) -> None:
    answers, rows = Answers(town), _homes(town)
    for name in ("first", "second"):
        _send(answers, town, rows, "sms", name=name)
    dead = {True: Counter[str](), False: Counter[str]()}
    for event in answers.events(LATER):
        if event.kind == "bounced":
            dead[bool(event.details["permanent"])][event.message_id.partition("|")[2]] += 1
    assert set(dead[True].values()) == {2} and set(dead[False].values()) <= {1, 2}


def test_shares_avoided_are_those_of_the_field_at_both_price_ratios(town: County, offered: Answers) -> None:
    column, contracts = town.simulation.premises.traits.column, town.contracts
    premises = [int(contracts.premise[row]) for row in offered.responses().enrolments]
    assert len(premises) > 200
    mean = {
        ratio: np.mean(
            [
                avoided_share(
                    float(column("price_elasticity")[who]),
                    ratio,
                    raises=bool(column("raises_evening_use")[who]),
                )
                for who in premises
            ]
        )
        for ratio in (1.6, 4.5)
    }
    assert mean[1.6] == pytest.approx(0.06, abs=0.01)  # 6 % at a ratio under 2
    assert mean[4.5] == pytest.approx(0.18, abs=0.02)  # 18 % above 4


def test_evenings_fall_for_the_enrolled_and_by_one_percent_for_the_contacted(
    town: County, offered: Answers
) -> None:
    first, last = END + timedelta(days=24), END + timedelta(days=51)
    found = {
        hours: offered.effect_truth([hours] if hours else [], first, last).to_pandas()
        for hours in (EVENING, ())
    }
    evening, whole = found[EVENING], found[()]
    assert (evening["without_offer"] <= whole["without_offer"]).all()
    took, rest = evening[evening["enrolled"]], evening[~evening["enrolled"]]
    fall = 1.0 - took["with_offer"].sum() / took["without_offer"].sum()
    assert fall == pytest.approx(0.14, abs=0.025)  # ratio 3.03
    single = 1.0 - rest["with_offer"] / rest["without_offer"]
    assert single.mean() == pytest.approx(0.01, abs=0.002)
    assert 0.2 < (single < 0.0).mean() < 0.4
    against = (took["with_offer"] > took["without_offer"]).mean()
    assert 0.03 < against < 0.14
    avoided = took["without_offer"].sum() - took["with_offer"].sum()
    less = whole[whole["enrolled"]]["without_offer"].sum() - whole[whole["enrolled"]]["with_offer"].sum()
    assert 1.0 - less / avoided == pytest.approx(0.5, abs=0.08)  # half of it returns at night


def test_loads_change_from_the_day_after_acceptance(small: County) -> None:
    answers = Answers(small)
    _send(answers, small, _homes(small), saving="800")
    responses, simulation = answers.responses(), small.simulation
    accepted = {e.message_id: e.at for e in answers.events(LATER) if e.kind == "accepted"}
    assert len(accepted) == len(responses.enrolments) > 3
    everybody = slice(0, 150)
    for month in simulation.first_export.months:
        assert (simulation.net_wh(everybody, month, responses) == simulation.net_wh(everybody, month)).all()
    for row, enrolment in responses.enrolments.items():
        day = accepted[f"m|{row}"] + timedelta(hours=8)
        assert enrolment.since == day.date().toordinal() + 1
        spans = responses.span[responses.contract == row]
        assert spans[-1, 0] == enrolment.since and (spans[:-1, 1] <= spans[1:, 0]).all()


def test_some_leave_the_tariff_again_after_a_fortnight_or_more(town: County, offered: Answers) -> None:
    stays = np.array([e.until - e.since for e in offered.responses().enrolments.values()])
    assert stays.min() >= 14
    assert 0.03 < (stays < 365).mean() < 0.15


def test_nobody_takes_an_offer_twice_and_who_moved_away_takes_none(town: County) -> None:
    contacts, contracts = _contacts(town), town.contracts
    gone = [row for row in range(len(contracts)) if contracts.ends[row] <= END.toordinal()]
    answers, rows = Answers(town), [*_homes(town)[:800], *gone]
    for number in range(6):
        for row in rows:
            phone = contacts[row].phone
            if phone is not None:
                answers.receive(f"{number}|{row}", "phone", phone, SENT + timedelta(days=number), OFFER)
    accepted = [e.message_id.partition("|")[2] for e in answers.events(LATER) if e.kind == "accepted"]
    assert len(set(accepted)) == len(accepted) > 150
    assert not {int(row) for row in accepted} & set(gone)


def test_a_message_without_an_offer_is_read_and_changes_a_little(town: County) -> None:
    answers, contacts = Answers(town), _contacts(town)
    for row in _homes(town)[:1500]:
        phone = contacts[row].phone
        if phone is not None:
            answers.receive(f"m|{row}", "app", phone, SENT, {})
    kinds = _kinds(answers.events(LATER))
    assert kinds["opened"] > 600 and not kinds["accepted"] and not kinds["declined"]
    truth = answers.effect_truth([EVENING], END + timedelta(days=10), END + timedelta(days=20)).to_pandas()
    assert 1.0 - (truth["with_offer"] / truth["without_offer"]).mean() == pytest.approx(0.01, abs=0.003)


def test_permuted_attributes_give_other_answers(small: County) -> None:
    permuted = County(TwinSettings(customers=150, days=30, seed=4, end=END, continued_days=60, permutation=7))
    told = []
    for county in (small, permuted):
        answers = Answers(county)
        _send(answers, county, _homes(small), saving="800")
        told.append(answers.events(LATER))
    assert told[0] != told[1]
    assert _kinds(told[0])["delivered"] == _kinds(told[1])["delivered"]


def test_renamed_attributes_give_the_same_answers(small: County) -> None:
    renamed = TwinSettings(
        customers=150, days=30, seed=4, end=END, continued_days=60, names={"price_elasticity": "x1"}
    )
    told = []
    for county in (small, County(renamed)):
        answers = Answers(county)
        _send(answers, county, _homes(small))
        told.append(answers.events(LATER))
    assert told[0] == told[1]


def test_the_truth_lies_in_the_folder_and_nothing_personal_in_what_comes_back(
    small: County, tmp_path: Path
) -> None:
    answers = Answers(small, tmp_path)
    _send(answers, small, _homes(small))
    first, last = END + timedelta(days=10), END + timedelta(days=12)
    table = answers.effect_truth([EVENING], first, last)
    assert pq.read_table(tmp_path / "effect_2025-06-10_2025-06-12_1700-2200.parquet").equals(table)
    text = repr(answers.events(LATER))
    for person in _contacts(small):
        for value in (person.name, person.phone, person.email, person.address):
            assert value is None or value not in text


def test_days_and_hours_that_the_county_does_not_have_are_refused(small: County) -> None:
    answers = Answers(small)
    with pytest.raises(UsageError, match="was not asked for these days"):
        answers.effect_truth([], END, END + timedelta(days=61))
    with pytest.raises(UsageError, match="spans of one day"):
        answers.effect_truth([(1020, 1025)], END, END)
    assert answers.effect_truth([EVENING], END, END).num_rows == 0
