"""A workspace with two neighbours in every place where a person can stand: Ada, who leaves, and Bob, who stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.domain.clock import FixedClock
from gridloop.domain.table import Kind, Stage, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.ledger.database import Database
from gridloop.ledger.schema import SPECS, TABLES
from gridloop.ledger.store import Ledger
from gridloop.security.erasure import Places
from gridloop.security.lake_erasure import LakeEraser
from gridloop.security.landing import LandingZone
from gridloop.security.layout import FileLayout
from gridloop.security.ledger_erasure import LedgerOfWorkspace
from gridloop.security.pseudonym import PREFIXES, Pseudonyms
from gridloop.security.seal import seal_text
from gridloop.security.vault import Vault

NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = date(2024, 7, 1)
SOURCE = {
    "customer": "CUST-44100",
    "account": "ACC-88100",
    "contract": "CON-10010",
    "service_point": "SP-99100",
}
SOURCE["meter"] = "MTR-55100"
NAMES = ("Ada Lovelace", "Bob Dylan Thomas")
PHONES = ("+44 20 7946 0958", "+44 20 7946 0999")
FILLER: dict[Kind, Any] = {
    Kind.STRING: "x",
    Kind.BOOL: True,
    Kind.INT: 15,
    Kind.LONG: 1,
    Kind.DOUBLE: 1.0,
    Kind.MONEY: 1,
    Kind.DATE: DAY,
    Kind.INSTANT: NOW,
    Kind.JSON: "{}",
    Kind.INT_LIST: [1] * 96,
    Kind.DOUBLE_LIST: [1.0],
}


@dataclass
class County:
    """The opened workspace.

    Attributes:
        ids: by person (0 Ada, 1 Bob) and kind, the pseudonyms.
        files: role to file id in the landing zone.
    """

    workspace: Workspace
    vault: Vault
    lake: Lake
    ledger: Ledger
    database: Database
    ids: tuple[Mapping[str, str], Mapping[str, str]]
    files: Mapping[str, str]

    @property
    def root(self) -> Path:
        """Folder of the workspace."""
        return self.workspace.root

    @property
    def places(self) -> Places:
        """Everywhere a person may stand, layouts included."""
        ids = {kind: [f"{kind} no"] for kind in PREFIXES}
        layouts = {
            self.files["customers"]: FileLayout("csv", ids),
            self.files["readings"]: FileLayout("parquet", {"meter": ["meter no"]}),
            self.files["weather"]: FileLayout("csv"),
        }
        return Places(
            vault=self.vault,
            landing=LandingZone(self.workspace.landing_dir, self.vault),
            lake=LakeEraser(self.lake),
            ledger=LedgerOfWorkspace(self.ledger, self.database, "test"),
            layouts=layouts,
            clock=FixedClock(NOW),
        )

    def close(self) -> None:
        """Close everything."""
        self.lake.close()
        self.ledger.close()
        self.database.close()
        self.vault.close()


def open_county(root: Path, keys: Path, files: Mapping[str, str]) -> County:
    """Open the county that `found_county` made."""
    workspace = Workspace.open(root)
    vault = Vault.open(workspace.vault_dir, workspace.config.id, keys)
    ids = tuple(
        {kind: Pseudonyms(vault, kind).derive([f"{prefix}{person}"])[0] for kind, prefix in SOURCE.items()}
        for person in (1, 2)
    )
    ledger, database = Ledger.open(workspace.ledger_url), Database(workspace.ledger_url)
    return County(workspace, vault, Lake(workspace), ledger, database, ids, files)  # type: ignore[arg-type]


def found_county(root: Path, keys: Path, inbox: Path) -> dict[str, str]:
    """Make the workspace and fill it; answers role to file id."""
    workspace = Workspace.create(root, zone="Europe/London", currency="GBP", buckets=1)
    Vault.create(workspace.vault_dir, workspace.config.id, keys).close()
    with Ledger.open(workspace.ledger_url) as ledger:
        ledger.upgrade()
    county = open_county(root, keys, {})
    for person, ids in enumerate(county.ids, start=1):
        for kind, prefix in SOURCE.items():
            assert Pseudonyms(county.vault, kind).of(f"{prefix}{person}") == ids[kind]
    county.vault.put_people(
        {"customer_id": ids["customer"], "name": name, "phone": phone, "language": "en"}
        for ids, name, phone in zip(county.ids, NAMES, PHONES, strict=True)
    )
    files = _land(county, inbox)
    _fill_lake(county, files)
    _fill_ledger(county)
    run = county.ledger.runs.start("import", Stage.DATA, "digest", "test", {})
    county.ledger.runs.succeed(run, county.lake.heads(), {})
    county.close()
    return files


def _land(county: County, inbox: Path) -> dict[str, str]:
    inbox.mkdir()
    header = ",".join(f"{kind} no" for kind in SOURCE)
    lines = [
        ",".join(f"{prefix}{person}" for prefix in SOURCE.values()) + f',"{NAMES[person - 1]}"'
        for person in (1, 2)
    ]
    (inbox / "Ada Lovelace and others.csv").write_text(f"{header},name\n" + "\n".join(lines) + "\n")
    meters = [f"MTR-55100{person}" for person in (1, 2) for _ in range(50)]
    pq.write_table(
        pa.table({"meter no": meters, "wh": range(100)}), inbox / "readings.parquet", row_group_size=30
    )
    (inbox / "weather.csv").write_text("time,temperature\n2024-07-01,21\n")
    zone = LandingZone(county.workspace.landing_dir, county.vault)
    names = {
        "customers": "Ada Lovelace and others.csv",
        "readings": "readings.parquet",
        "weather": "weather.csv",
    }
    return {role: zone.store(inbox / name).file_id for role, name in names.items()}


def filled(spec: TableSpec, **values: object) -> dict[str, object]:
    """A row with the values given, and something of the right kind in every other column that needs one."""
    needed = {c.name: (c.values or (FILLER[c.kind],))[0] for c in spec if not c.nullable}
    return {**needed, **values}


def _append(county: County, name: str, *rows: Mapping[str, object]) -> None:
    spec = CATALOGUE[name]
    columns = {column.name for column in spec}
    complete = [filled(spec, **{k: v for k, v in row.items() if k in columns}) for row in rows]
    if name == "reading":
        complete = [{k: v for k, v in row.items() if k != "bucket"} for row in complete]
        county.lake.writer(spec.owner).append_readings([pa.Table.from_pylist(complete)])
    else:
        county.lake.writer(spec.owner).append(name, pa.Table.from_pylist(complete))


def _fill_lake(county: County, files: Mapping[str, str]) -> None:
    ada, bob = county.ids
    shared = {"service_point_id": "s-shared0000000000"}
    for ids in (ada, bob):
        every = {f"{kind}_id": one for kind, one in ids.items()}
        for name in (
            "customer",
            "account",
            "contract",
            "service_point",
            "meter",
            "meter_history",
            "feature",
            "consent",
        ):
            _append(county, name, every)
        _append(county, "contract", {**every, **shared, "contract_id": f"{ids['contract']}x"})
        _append(
            county, "reading", *({"meter_id": ids["meter"], "day": DAY.replace(day=n)} for n in range(1, 29))
        )
    _append(county, "meter", {"meter_id": "m-shared0000000000", **shared})
    _append(county, "reading", {"meter_id": "m-shared0000000000"})
    _append(
        county,
        "quality_finding",
        {"finding_id": "1", "subject": ada["meter"]},
        {"finding_id": "2", "evidence": json.dumps({"examples": [bob["meter"], ada["meter"]]})},
        {"finding_id": "3", "subject": bob["meter"]},
    )
    rows = ({"customer no": f"{SOURCE['customer']}{n}", "name": NAMES[n - 1]} for n in (1, 2))
    texts = [json.dumps(row) for row in rows] + [json.dumps({"text": f"1;{SOURCE['meter']}1;broken"})]
    sealed = [{"source_row": n, "row_sealed": seal_text(county.vault, text)} for n, text in enumerate(texts)]
    _append(county, "quarantine", *({**row, "file_id": files["customers"]} for row in sealed))
    _append(
        county, "landing_file", *({"file_id": one, "role": role, "name": role} for role, one in files.items())
    )


def _fill_ledger(county: County) -> None:
    with county.database.write() as connection:
        for number, ids in enumerate(county.ids):
            for name, values in (
                ("response", {"response_id": f"r{number}", "customer_id": ids["customer"]}),
                ("unsubscribe", {"unsubscribe_id": f"u{number}", "customer_id": ids["customer"]}),
                (
                    "case",
                    {
                        "case_id": f"case{number}",
                        "subject_id": ids["meter"],
                        "evidence": {"of": [ids["account"]]},
                    },
                ),
            ):
                row = {k: v for k, v in filled(SPECS[name], **values).items() if k != "send_id"}
                connection.execute(TABLES[name].insert(), {k: {} if v == "{}" else v for k, v in row.items()})


def assign(county: County) -> None:
    """Put both accounts into a campaign: rows that the ledger never changes."""
    with county.database.write() as connection:
        for name in ("plan", "campaign"):
            row = filled(SPECS[name], plan_id="p", **({"campaign_id": "camp"} if name == "campaign" else {}))
            connection.execute(TABLES[name].insert(), {k: {} if v == "{}" else v for k, v in row.items()})
        for ids in county.ids:
            row = filled(SPECS["assignment"], campaign_id="camp", unit_id=ids["account"])
            connection.execute(TABLES["assignment"].insert(), row)
