"""Two neighbours live in a whole workspace; one is erased everywhere, the other loses nothing."""

from __future__ import annotations

import importlib.util
import pkgutil
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gridloop.domain.tables import CATALOGUE
from gridloop.ledger.redaction import PersonalDataRefused
from gridloop.security import erasure, tombstone
from gridloop.security.erasure import Places, erase, needles, plan_erasure, resume
from gridloop.security.errors import ErasureBlocked, PseudonymUnknown
from gridloop.security.landing import LandingZone
from gridloop.security.lineage import id_columns, text_columns
from gridloop.security.pseudonym import PREFIXES, Pseudonyms
from gridloop.security.search import search_workspace

_spec = importlib.util.spec_from_file_location("county", Path(__file__).with_name("county.py"))
assert _spec and _spec.loader
county_module = importlib.util.module_from_spec(_spec)
sys.modules["county"] = county_module
_spec.loader.exec_module(county_module)
SOURCE, NAMES = county_module.SOURCE, county_module.NAMES
ADA = f"{SOURCE['customer']}1"


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """The county as it was founded; copied for each test."""
    folder = tmp_path_factory.mktemp("county")
    return folder, county_module.found_county(folder / "workspace", folder / "keys", folder / "inbox")


@pytest.fixture
def folder(founded, tmp_path):
    """A copy of the county's folders."""
    shutil.copytree(founded[0], tmp_path / "county")
    return tmp_path / "county"


@pytest.fixture
def reopen(founded, folder):
    """Opens the copy."""
    opened = []

    def once():
        opened.append(county_module.open_county(folder / "workspace", folder / "keys", founded[1]))
        return opened[-1]

    yield once
    for county in opened:
        county.close()


@pytest.fixture
def county(reopen):
    """The copy, opened."""
    return reopen()


def contents(county):
    """What everybody but Ada has: lake rows, ledger rows, people, landing rows."""
    gone = set(county.ids[0].values()) | {f"{county.ids[0]['contract']}x"}
    view = county.lake.view(county.ledger.runs.published())
    lake = {
        name: sorted(
            str(row)
            for row in view.arrow(name, history=True).to_pylist()
            if not gone & set(map(str, row.values()))
        )
        for name in view.snapshots
    }
    people = [fields for fields in dict(county.vault.people()).values() if fields["name"] != NAMES[0]]
    return lake, people


def test_the_references_of_the_catalogue_name_the_tables():
    assert id_columns("customer")["customer"] == ("customer_id",)
    assert {"account", "consent", "feature"} <= id_columns("customer").keys()
    assert id_columns("meter")["reading"] == ("meter_id",)
    assert {"contract", "offer_value"} <= id_columns("contract").keys()
    assert "bill" in id_columns("account")
    assert "send" not in id_columns("customer"), "the ledger is not the lake"
    assert text_columns(CATALOGUE["quality_finding"]) == (
        "finding_id",
        "rule",
        "table_name",
        "subject",
        "text",
        "evidence",
    )
    assert text_columns(CATALOGUE["reading"]) == ()


def test_a_plan_tells_what_will_go_and_changes_nothing(county):
    before = search_workspace(county.root, [ADA], vault=county.vault)
    plan = plan_erasure(ADA, county.places)
    ada = county.ids[0]
    assert plan.customer_id == ada["customer"]
    assert plan.ids["meter"] == [ada["meter"]]
    assert sorted(plan.ids["contract"]) == sorted([ada["contract"], f"{ada['contract']}x"])
    assert plan.counts == {
        "landing.files": 2,
        "landing.names": 1,
        "landing.rows": 51,
        "lake.account": 1,
        "lake.consent": 1,
        "lake.contract": 2,
        "lake.customer": 1,
        "lake.feature": 1,
        "lake.meter": 1,
        "lake.meter_history": 1,
        "lake.quality_finding": 2,
        "lake.quarantine": 2,
        "lake.reading": 28,
        "lake.service_point": 1,
        "ledger.case": 1,
        "ledger.response": 1,
        "ledger.unsubscribe": 1,
        "vault.person": 1,
        "vault.pseudonym": 5,
    }
    assert [line for line in plan.lines() if "shared" in line] == [
        "  stays: 1 service_point shared with other customers: rows stay, the link to this one goes",
    ]
    assert NAMES[0] not in "\n".join(plan.lines())
    assert search_workspace(county.root, [ADA], vault=county.vault) == before != []


def test_the_erased_person_is_nowhere_and_the_neighbour_lost_nothing(county):
    plan = plan_erasure(ADA, county.places)
    wanted = needles(plan, county.vault)
    assert {NAMES[0], "MTR-551001", county.ids[0]["meter"]} <= set(wanted)
    assert {hit.needle for hit in search_workspace(county.root, wanted, vault=county.vault)} == set(
        range(len(wanted))
    )
    lake, people = contents(county)
    stone = erase(plan, county.places, requester="case 17")
    assert search_workspace(county.root, wanted, vault=county.vault) == []
    after, people_after = contents(county)
    for name, rows in lake.items():
        expected = rows
        if name == "quarantine":
            expected = [row for row in rows if "'source_row': 1" in row]
        if name == "quality_finding":
            expected = [row for row in rows if "'finding_id': '3'" in row]
        assert after.get(name, []) == expected, name
    assert people_after == people
    tombstone.verify(stone, tombstone.public_key(county.vault))
    assert list(tombstone.read_all(county.vault.folder)) == [stone]
    assert stone.counts == plan.counts


def test_the_neighbour_is_still_everywhere_he_was(county):
    bob = plan_erasure(f"{SOURCE['customer']}2", county.places)
    wanted = needles(bob, county.vault)
    before = search_workspace(county.root, wanted, vault=county.vault)
    erase(plan_erasure(ADA, county.places), county.places, requester="case 17")
    after = plan_erasure(f"{SOURCE['customer']}2", county.places)
    # one finding named both; the shared service point is Bob's alone now, with its meter and its reading
    changes = {"lake.quality_finding": -1, "lake.meter": 1, "lake.reading": 1}
    assert after.counts == {name: count + changes.get(name, 0) for name, count in bob.counts.items()}
    places = {hit.path for hit in before if hit.path.startswith("landing/")}
    assert places <= {hit.path for hit in search_workspace(county.root, wanted, vault=county.vault)}


def test_source_files_keep_the_other_rows_and_their_id(county, founded):
    files = founded[1]
    erase(plan_erasure(ADA, county.places), county.places, requester="case 17")
    zone = LandingZone(county.workspace.landing_dir, county.vault)
    with zone.open(files["customers"]) as plain:
        rows = plain.read().decode().splitlines()
    assert len(rows) == 2
    assert rows[1].endswith('"Bob Dylan Thomas"')
    with zone.open(files["readings"]) as plain:
        assert pq.ParquetFile(plain).read().column("wh").to_pylist() == list(range(50, 100))
    assert zone.store(founded[0] / "inbox" / "readings.parquet").erased_rows == 50


def test_the_ledger_keeps_its_rows_under_the_tombstone(county):
    stone = erase(plan_erasure(ADA, county.places), county.places, requester="case 17", actor="operator")
    with county.database.read() as connection:
        case, other = connection.exec_driver_sql(
            'SELECT subject_id, evidence FROM "case" ORDER BY case_id'
        ).fetchall()
    assert case[0].startswith(f"{stone.tombstone_id}-")
    assert stone.tombstone_id in case[1]
    assert other[0] == county.ids[1]["meter"]
    (entry,) = county.ledger.audit.entries(subject=f"tombstone:{stone.tombstone_id}")
    assert (entry.actor, entry.action, entry.details["requester"]) == ("operator", "person.erased", "case 17")
    assert county.ledger.audit.verify() == []
    assert county.ledger.runs.published() == county.lake.heads()


def test_the_way_back_from_the_pseudonym_is_cut(county):
    erase(plan_erasure(ADA, county.places), county.places, requester="case 17")
    for kind in PREFIXES:
        assert Pseudonyms(county.vault, kind).known([county.ids[0][kind]]) == {}
        assert Pseudonyms(county.vault, kind).reveal(county.ids[1][kind]) == f"{SOURCE[kind]}2"
    assert list(county.vault.documents()) == []
    with pytest.raises(PseudonymUnknown, match="nothing to erase"):
        plan_erasure(ADA, county.places)


def test_a_pseudonym_finds_the_same_person_as_the_source_id(county):
    by_name, by_id = (plan_erasure(one, county.places) for one in (county.ids[0]["customer"], ADA))
    assert by_name.counts == by_id.counts
    with pytest.raises(PseudonymUnknown):
        plan_erasure("CUST-nobody", county.places)


def test_rows_that_the_ledger_never_changes_are_named(county):
    county_module.assign(county)
    plan = plan_erasure(ADA, county.places)
    assert [line for line in plan.kept if "append-only" in line] == [
        "1 rows of the append-only ledger table assignment: they keep a pseudonym that leads nowhere any more"
    ]
    wanted = needles(plan, county.vault)
    erase(plan, county.places, requester="case 17")
    hits = search_workspace(county.root, wanted, vault=county.vault)
    assert {hit.path.partition("-")[0] for hit in hits} == {"ledger.db"}
    assert {wanted[hit.needle] for hit in hits} == {county.ids[0]["account"]}


def test_a_file_whose_layout_nobody_knows_blocks_the_erasure_or_is_removed(county, founded):
    places = county.places
    layouts = {file_id: layout for file_id, layout in places.layouts.items() if layout.format == "csv"}
    places = Places(places.vault, places.landing, places.lake, places.ledger, layouts, places.clock)
    plan = plan_erasure(ADA, places)
    assert plan.blocked == [founded[1]["readings"]]
    with pytest.raises(ErasureBlocked, match="cannot be found in them"):
        erase(plan, places, requester="case 17")
    assert county.vault.person(plan.customer_id) is not None
    plan = plan_erasure(ADA, places, remove_unknown_files=True)
    wanted = needles(plan, county.vault)
    erase(plan, places, requester="case 17")
    assert not places.landing.holds(founded[1]["readings"])
    assert search_workspace(county.root, wanted, vault=county.vault) == []


def test_a_requester_that_looks_like_a_person_is_refused(county):
    with pytest.raises(PersonalDataRefused):
        erase(plan_erasure(ADA, county.places), county.places, requester="ada@example.org")
    assert county.vault.count_people() == 2


STEPS = [
    ("gridloop.security.landing.LandingZone.rewrite", 2, "before"),
    ("gridloop.security.landing.LandingZone.rename", 1, "before"),
    ("gridloop.security.lake_erasure.LakeEraser.delete", 1, "after"),
    ("gridloop.security.lake_erasure.LakeEraser.delete", 9, "before"),
    ("gridloop.security.ledger_erasure.LedgerOfWorkspace.replace", 1, "after"),
    ("gridloop.security.lake_erasure.LakeEraser.forget_removed_files", 1, "after"),
    ("gridloop.security.ledger_erasure.LedgerOfWorkspace.publish", 1, "after"),
    ("gridloop.security.lake_erasure.LakeEraser.purge_history", 1, "after"),
    ("gridloop.security.tombstone.write", 1, "after"),
    ("gridloop.security.ledger_erasure.LedgerOfWorkspace.record", 1, "after"),
    ("gridloop.security.vault.Vault.drop_document", 1, "after"),
    ("gridloop.security.erasure._erase_from_vault", 1, "after"),
]


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.slow
@pytest.mark.parametrize(("step", "call", "when"), STEPS)
def test_an_erasure_cut_off_at_any_step_is_completed_by_resuming(reopen, monkeypatch, step, call, when):
    county = reopen()
    plan = plan_erasure(ADA, county.places)
    wanted = needles(plan, county.vault)
    owner, _, name = step.rpartition(".")
    real = pkgutil.resolve_name(f"{owner}.{name}")
    calls = 0

    def cut_off(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            raise Killed
        result = real(*arguments, **options)
        if calls == call:
            raise Killed
        return result

    monkeypatch.setattr(step, cut_off)
    with pytest.raises(Killed):
        erase(plan, county.places, requester="case 17")
    monkeypatch.undo()
    county.close()

    county = reopen()
    county.lake.restore(county.ledger.runs.published())
    finished = resume(county.places)
    assert [stone.tombstone_id for stone in finished] in ([plan.tombstone_id], [])
    assert bool(finished) or (name == "_erase_from_vault" and when == "after")
    assert search_workspace(county.root, wanted, vault=county.vault) == []
    (stone,) = tombstone.read_all(county.vault.folder)
    tombstone.verify(stone, tombstone.public_key(county.vault))
    assert stone.counts == plan.counts
    assert len(county.ledger.audit.entries(subject=f"tombstone:{stone.tombstone_id}")) == 1
    assert county.ledger.runs.published() == county.lake.heads()
    assert resume(county.places) == []


def test_a_customer_of_a_pseudonymous_source_is_erased_by_the_sources_own_id(county):
    import pyarrow as pa

    rows = [county_module.filled(CATALOGUE["customer"], customer_id=f"MAC00000{n}") for n in (2, 3)]
    county.lake.writer(CATALOGUE["customer"].owner).append("customer", pa.Table.from_pylist(rows))
    plan = plan_erasure("MAC000002", county.places)
    assert plan.counts == {"lake.customer": 1}
    erase(plan, county.places, requester="case 18")
    assert search_workspace(county.root, ["MAC000002"], vault=county.vault) == []
    assert search_workspace(county.root, ["MAC000003"], vault=county.vault) != []


def test_a_file_name_in_the_lake_that_names_the_person_is_told(county):
    import pyarrow as pa

    row = county_module.filled(CATALOGUE["landing_file"], file_id="f", name="ADA LOVELACE.csv")
    county.lake.writer(CATALOGUE["landing_file"].owner).append("landing_file", pa.Table.from_pylist([row]))
    plan = plan_erasure(ADA, county.places)
    assert "1 file names in the lake table landing_file that name this customer" in plan.kept


def test_further_ids_that_are_known_to_be_his_go_too(county):
    plan = plan_erasure(ADA, county.places, also={"service_point": ["s-shared0000000000"]})
    assert plan.ids["service_point"] == sorted([county.ids[0]["service_point"], "s-shared0000000000"])
    assert "m-shared0000000000" in plan.ids["meter"]


def test_short_ids_and_values_are_no_needles(county):
    plan = plan_erasure(ADA, county.places)
    assert "en" not in needles(plan, county.vault)
    assert erasure.SHORTEST_NEEDLE == 6
