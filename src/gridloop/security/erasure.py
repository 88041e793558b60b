"""Erasing a person: planned first, carried out step by step, resumable, with a signed tombstone at the end.

Every step may be repeated, and the vault's record of the person goes last: until then a killed erasure knows what it
was doing (`resume`). docs/decisions/0004 says what is erased, what stays and why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gridloop.domain.clock import Clock, SystemClock
from gridloop.domain.tables import CATALOGUE
from gridloop.ledger.redaction import refuse_personal
from gridloop.security import tombstone as stones
from gridloop.security.errors import ErasureBlocked, PseudonymUnknown, SealDamaged
from gridloop.security.landing import LandingZone
from gridloop.security.layout import FileLayout, count_rows, without
from gridloop.security.ledger_erasure import LedgerEraser, ids_pattern
from gridloop.security.lineage import Belongings, TableEraser, belongings, id_columns, text_columns
from gridloop.security.outbox_erasure import messages_of, remove_messages
from gridloop.security.pseudonym import PREFIXES, Pseudonyms, kind_of, record_kind
from gridloop.security.seal import open_text
from gridloop.security.tombstone import Tombstone
from gridloop.security.vault import PERSON, Vault

DOCUMENT_KIND = "erasure"
SHORTEST_NEEDLE = 6
"""Bytes; a shorter value is found everywhere by chance."""

_IDS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Places:
    """Everywhere a person may stand.

    Attributes:
        vault, landing, lake: of the workspace.
        ledger: of the workspace.
        layouts: file id to layout, of every file of the landing zone; made from the recipes that read them.
        clock: for the tombstone.
        outbox: folder of messages that wait for the operator; None where there is none.
        messages_to: customer to the ids of messages to him, by which the outbox names its files.
    """

    vault: Vault
    landing: LandingZone
    lake: TableEraser
    ledger: LedgerEraser
    layouts: Mapping[str, FileLayout]
    clock: Clock = field(default_factory=SystemClock)
    outbox: Path | None = None
    messages_to: Callable[[str], Sequence[str]] = lambda customer: ()


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What erasing one person will touch; nothing has been changed yet.

    Attributes:
        tombstone_id: what will stand where his ids stood.
        customer_id: as the lake has it.
        ids: kind to ids of the lake that are his alone.
        sources: kind to the same ids as the sources write them.
        people, mappings: records of the vault.
        tables: lake table to rows.
        files: file id of the landing zone to rows that will go; -1 for a file removed as a whole.
        renamed: landing files whose name holds his name or one of his ids.
        ledger: ledger table to rows whose ids will be replaced.
        kept: what stays although it touched him, and why.
        blocked: file ids whose layout nobody knows; they block the erasure unless it may remove them.
        messages: files of the outbox that will go.
    """

    tombstone_id: str
    customer_id: str
    ids: Mapping[str, Sequence[str]]
    sources: Mapping[str, Sequence[str]]
    people: int
    mappings: int
    tables: Mapping[str, int]
    files: Mapping[str, int]
    ledger: Mapping[str, int]
    renamed: Sequence[str] = ()
    kept: Sequence[str] = ()
    blocked: Sequence[str] = ()
    messages: Sequence[str] = ()

    @property
    def counts(self) -> dict[str, int]:
        """What will be removed, by name; for the tombstone, without any identifier."""
        found = {"vault.person": self.people, "vault.pseudonym": self.mappings}
        found |= {f"lake.{table}": rows for table, rows in self.tables.items()}
        found |= {f"ledger.{table}": rows for table, rows in self.ledger.items()}
        found["landing.rows"] = sum(rows for rows in self.files.values() if rows > 0)
        found["landing.files"] = len(self.files)
        found["landing.names"] = len(self.renamed)
        found["outbox.messages"] = len(self.messages)
        return {name: count for name, count in sorted(found.items()) if count}

    def lines(self) -> list[str]:
        """The plan for people to read: numbers and pseudonyms, no names."""
        lines = [f"Erasing {self.customer_id} and everything that is theirs alone:"]
        lines += [f"  {name}: {count}" for name, count in self.counts.items()]
        lines += [f"  whole file {file_id[:12]}…" for file_id, rows in self.files.items() if rows < 0]
        lines += [f"  stays: {what}" for what in self.kept]
        lines += [f"  blocked by file {file_id[:12]}…: its layout is not known" for file_id in self.blocked]
        return lines


def plan_erasure(
    customer: str,
    places: Places,
    *,
    also: Mapping[str, Sequence[str]] | None = None,
    remove_unknown_files: bool = False,
) -> ErasurePlan:
    """What an erasure will touch (a dry run).

    Args:
        customer: id of the customer: the source's, or the one the lake has.
        places: where to look.
        also: further ids by kind that are known to be his alone, the source's or the lake's.
        remove_unknown_files: plan the removal of landing files whose layout is not known, instead of blocking.

    Raises:
        PseudonymUnknown: nobody of that id is known here.
    """
    customer_id = _lake_id(places, "customer", customer)
    if customer_id is None:
        raise PseudonymUnknown(
            "No such customer is known in this workspace; there is nothing to erase.",
            ways_out=("Give the customer's id as the source writes it, or the pseudonym.",),
        )
    more = {kind: [_lake_id(places, kind, one) or one for one in ids] for kind, ids in (also or {}).items()}
    owned = belongings(places.lake, customer_id, more)
    named = {kind: ids for kind, ids in owned.ids.items() if kind in PREFIXES}
    known = {kind: Pseudonyms(places.vault, kind).known(ids) for kind, ids in named.items()}
    sources = {kind: [known.get(kind, {}).get(one, one) for one in ids] for kind, ids in owned.ids.items()}
    targets = _targets(places, owned, sources)
    files, blocked = _file_counts(places, sources)
    everyone = _flat(owned.ids)
    if remove_unknown_files:
        files, blocked = {**files, **dict.fromkeys(blocked, -1)}, []
    return ErasurePlan(
        tombstone_id=stones.new_tombstone_id(),
        customer_id=customer_id,
        ids={kind: list(ids) for kind, ids in owned.ids.items()},
        sources=sources,
        people=int(places.vault.person(customer_id) is not None),
        mappings=sum(len(found) for found in known.values()),
        tables={table: n for table, where in targets.items() if (n := places.lake.count(table, where))},
        files=files,
        ledger=dict(places.ledger.count(everyone)),
        renamed=_telling_names(places, customer_id, {*everyone, *_flat(sources)}),
        kept=[
            *_kept(places, owned, everyone),
            *_kept_names(places, customer_id, {*everyone, *_flat(sources)}),
        ],
        blocked=blocked,
        messages=[]
        if places.outbox is None
        else messages_of(
            places.outbox,
            places.messages_to(customer_id),
            _telling_texts(places.vault, customer_id, {*everyone, *_flat(sources)}),
        ),
    )


def erase(plan: ErasurePlan, places: Places, *, requester: str, actor: str = "erasure") -> Tombstone:
    """Carry a plan out; call it under the workspace lock, with the lake as it was published.

    Args:
        plan: of `plan_erasure`, made just before.
        places: the same.
        requester: reference of the request, such as a case number; never a name.
        actor: who does it, for the audit trail.

    Returns:
        The signed tombstone.

    Raises:
        ErasureBlocked: the layout of a landing file is not known; nothing was changed.
        PersonalDataRefused: the reference looks like personal data; nothing was changed.
        StorageFull: no room for rewritten files; `resume` completes it later.
    """
    refuse_personal(requester, "requester")
    if plan.blocked:
        raise ErasureBlocked(
            "The layout of some source files is not known, so the person cannot be found in them.",
            evidence={"files": ", ".join(plan.blocked)},
            ways_out=(
                "Give their layouts: file id to FileLayout, with the columns that hold ids.",
                "Plan with remove_unknown_files=True to delete these files as a whole.",
            ),
        )
    document = {"kind": DOCUMENT_KIND, "requester": requester, "actor": actor, "plan": asdict(plan)}
    places.vault.keep_document(_document_name(plan), document)
    return _carry_out(plan, places, requester, actor)


def resume(places: Places) -> list[Tombstone]:
    """Complete every erasure that was cut off; under the workspace lock. Empty when there is none."""
    documents = [document for document in places.vault.documents() if document["kind"] == DOCUMENT_KIND]
    finished = []
    for document in documents:
        fields: Any = document["plan"]
        plan = ErasurePlan(**fields)
        finished.append(_carry_out(plan, places, str(document["requester"]), str(document["actor"])))
    return finished


def needles(plan: ErasurePlan, vault: Vault) -> list[str]:
    """What must be nowhere in the workspace after the erasure, for `search.search_workspace`.

    His ids, the sources' and the lake's, and his personal values, as far as they have 6 bytes or more. Take them
    before erasing; they are personal data.
    """
    return _telling_texts(vault, plan.customer_id, {*_flat(plan.ids), *_flat(plan.sources)})


def _carry_out(plan: ErasurePlan, places: Places, requester: str, actor: str) -> Tombstone:
    owned = Belongings({kind: tuple(ids) for kind, ids in plan.ids.items()})
    _erase_files(plan, places)
    if places.outbox is not None:
        remove_messages(places.outbox, plan.messages)
    for table, where in _targets(places, owned, plan.sources).items():
        places.lake.delete(table, where)
    everyone = _flat(plan.ids)
    places.ledger.replace({one: f"{plan.tombstone_id}-{n}" for n, one in enumerate(everyone, start=1)})
    # readers follow the published manifest: publish the new heads before the old snapshots go
    places.lake.forget_removed_files()
    places.ledger.publish(places.lake.heads(), plan.counts)
    places.lake.purge_history()
    stone = _stone(plan, places, requester)
    stones.write(places.vault.folder, stone)
    places.ledger.record(stone, actor)
    _erase_from_vault(plan, places.vault)
    return stone


def _erase_files(plan: ErasurePlan, places: Places) -> None:
    places.landing.remove_leftovers()
    for file_id, rows in plan.files.items():
        if rows < 0:
            places.landing.remove(file_id)
        elif places.landing.holds(file_id):
            places.landing.rewrite(file_id, without(places.layouts[file_id], plan.sources))
    for file_id in plan.renamed:
        if places.landing.holds(file_id):
            places.landing.rename(file_id, f"renamed{Path(places.landing.file(file_id).name).suffix}")


def _stone(plan: ErasurePlan, places: Places, requester: str) -> Tombstone:
    """The tombstone written by an earlier attempt, or a new one."""
    for stone in stones.read_all(places.vault.folder):
        if stone.tombstone_id == plan.tombstone_id:
            return stone
    digest = stones.plan_digest(places.vault, json.loads(json.dumps(asdict(plan))))
    at = places.clock.now().isoformat()
    return stones.sign(places.vault, Tombstone(plan.tombstone_id, at, requester, plan.counts, digest))


def _erase_from_vault(plan: ErasurePlan, vault: Vault) -> None:
    with vault.database.transaction():
        vault.records.remove(PERSON, [plan.customer_id])
        for kind in PREFIXES:
            vault.records.remove(record_kind(kind), plan.ids.get(kind, ()))
        vault.drop_document(_document_name(plan))
    vault.database.sweep()


def _lake_id(places: Places, kind: str, given: str) -> str | None:
    """The id the lake has for an id given as the source's or the lake's own; None when nobody knows it."""
    if kind not in PREFIXES:
        return given
    names = Pseudonyms(places.vault, kind)
    for candidate in (given, names.derive([given])[0]):
        if names.known([candidate]) or (kind == "customer" and places.vault.person(candidate) is not None):
            return candidate
    present = set(places.lake.names())
    for candidate in (given, names.derive([given])[0]):
        for table, columns in id_columns(kind).items():
            if table in present and places.lake.count(table, {column: [candidate] for column in columns}):
                return candidate
    return None


def _targets(
    places: Places, owned: Belongings, sources: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, list[str]]]:
    """Lake table to column to values: the rows that name him, in an id column, in a text or in a sealed row."""
    patterns = _patterns(
        {*_flat(owned.ids), *(s for s in _flat(sources) if len(s.encode()) >= SHORTEST_NEEDLE)}
    )
    targets: dict[str, dict[str, list[str]]] = {}
    for table in places.lake.names():
        where = owned.where(table)
        for column in text_columns(CATALOGUE[table]):
            texts = [text for pattern in patterns for text in places.lake.texts(table, column, pattern)]
            if texts:
                where.setdefault(column, []).extend(texts)
        if table == "quarantine" and (sealed := _sealed_rows(places, set(_flat(sources)))):
            where.setdefault("row_sealed", []).extend(sealed)
        if where:
            targets[table] = where
    return targets


def _patterns(ids: set[str]) -> list[str]:
    """RE2 patterns that find ids standing alone; a source's id may not be the end of a hyphenated one either."""
    own = sorted(_escaped(one) for one in ids if kind_of(one))
    foreign = sorted(_escaped(one) for one in ids if not kind_of(one))
    return [
        rf"(?:^|[^{edge}])(?:{'|'.join(words[at : at + _IDS_AT_ONCE])})(?:$|[^{edge}])"
        for words, edge in ((own, "0-9A-Za-z"), (foreign, "0-9A-Za-z_-"))
        for at in range(0, len(words), _IDS_AT_ONCE)
    ]


def _escaped(text: str) -> str:
    """Every character by number: RE2 and Python read that alike."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\x{{{ord(c):x}}}" for c in text)


def _sealed_rows(places: Places, sources: set[str]) -> list[str]:
    """Sealed rows of the quarantine that hold one of his ids as a value, or alone in an unsplit row."""
    pattern = ids_pattern(sorted(sources))
    found = []
    for (sealed,) in places.lake.rows("quarantine", ["row_sealed"], {}):
        if not isinstance(sealed, str):
            continue
        try:
            row = json.loads(open_text(places.vault, sealed))
        except SealDamaged:  # nobody can read it, so nobody is in it
            continue
        values = {str(value).strip() for value in row.values()}
        unsplit = row.keys() == {"text"} and pattern.search(row["text"])
        if unsplit or sources & values:
            found.append(sealed)
    return found


def _file_counts(places: Places, sources: Mapping[str, Sequence[str]]) -> tuple[dict[str, int], list[str]]:
    counts: dict[str, int] = {}
    blocked = []
    for file in places.landing.files():
        layout = places.layouts.get(file.file_id)
        if layout is None:
            blocked.append(file.file_id)
            continue
        with places.landing.open(file.file_id) as plain:
            if rows := count_rows(plain, layout, sources):
                counts[file.file_id] = rows
    return counts, blocked


def _telling_names(places: Places, customer_id: str, ids: set[str]) -> list[str]:
    """Landing files whose name holds one of his ids or personal values."""
    telling = [text.casefold() for text in _telling_texts(places.vault, customer_id, ids)]
    return [
        file.file_id
        for file in places.landing.files()
        if any(text in file.name.casefold() for text in telling)
    ]


def _telling_texts(vault: Vault, customer_id: str, ids: set[str]) -> list[str]:
    """His ids and personal values that are long enough not to occur by chance."""
    person = vault.person(customer_id) or {}
    texts = {str(value) for value in person.values() if value is not None} | ids
    return sorted(text for text in texts if len(text.encode()) >= SHORTEST_NEEDLE)


def _kept(places: Places, owned: Belongings, everyone: Sequence[str]) -> list[str]:
    kept = [
        f"{len(ids)} {kind} shared with other customers: rows stay, the link to this one goes"
        for kind, ids in owned.shared.items()
    ]
    locked = places.ledger.count_locked(everyone)
    return kept + [
        f"{rows} rows of the append-only ledger table {table}: they keep a pseudonym that leads nowhere any more"
        for table, rows in locked.items()
    ]


def _kept_names(places: Places, customer_id: str, ids: set[str]) -> list[str]:
    """A row of `landing_file` accounts for a whole file and stays; a name of a person in it is told."""
    if "landing_file" not in places.lake.names():
        return []
    words = [_escaped(text) for text in _telling_texts(places.vault, customer_id, ids)]
    names = places.lake.texts("landing_file", "name", f"(?i){'|'.join(words)}") if words else []
    return (
        [f"{len(names)} file names in the lake table landing_file that name this customer"] if names else []
    )


def _flat(by_kind: Mapping[str, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(one for ids in by_kind.values() for one in ids))


def _document_name(plan: ErasurePlan) -> str:
    return f"{DOCUMENT_KIND}/{plan.tombstone_id}"
