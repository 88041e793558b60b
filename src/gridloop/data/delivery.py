"""Day-vectors meet what the lake already holds: news is appended, repetition superseded, a change becomes a revision.

Rules. (1) A day that the lake does not have is appended as it came. (2) A value equal to the one known at that time is
superseded. (3) A differing or additional value makes a revision: the known day overlaid with the new values, appended
with a later `available_at`; a missing value never erases a known one. (4) Where the recipe's knowledge time does not
order two versions, the later delivery is known later: when it was received if the day was there before this import,
else one microsecond after the version it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.meters import MeterBook
from gridloop.data.parse import plain
from gridloop.data.tally import FileTally
from gridloop.data.vectors import CHANNELS, DayVectorRows, day_key, joined
from gridloop.data.versions import Versions, settled
from gridloop.domain.table import Stage

if TYPE_CHECKING:
    from gridloop.engine.lake import Lake

DEFERRED_VALUES = 16_000_000
"""Values of known days held back before they are settled; about 80 MB."""


class ReadingDelivery:
    """Appends the day-vectors of one import.

    Args:
        lake: where to.
        meters: numbers of the run's meters.
        zone: of the civil days.
        received_us: when the import received its files.
        ordered: whether `available_at` comes from the source and orders versions by itself.
        tallies: by file number.
    """

    def __init__(
        self,
        lake: Lake,
        meters: MeterBook,
        zone: str,
        received_us: int,
        tallies: list[FileTally],
        *,
        ordered: bool,
    ) -> None:
        self._lake = lake
        self._meters = meters
        self._zone = zone
        self._received_us = received_us
        self._tallies = tallies
        self._ordered = ordered
        self._before = lake.view()
        self._lake_keys: dict[int, NDArray[np.int64]] = {}
        self._run_keys: dict[int, NDArray[np.int64]] = {}
        self._deferred: list[DayVectorRows] = []
        self._exhausted = False
        self.appended = 0

    def deliver(self, vectors: Iterator[DayVectorRows]) -> None:
        """Append all day-vectors and count what became of each in its file's tally."""
        writer = self._lake.writer(Stage.DATA)
        while not self._exhausted:
            self.appended += writer.append_readings(self._fresh(vectors))
            if self._deferred:
                revisions = self._settle()
                if revisions is not None:
                    self.appended += writer.append_readings([revisions.arrow(self._meters.ids, self._zone)])
        self._before.close()

    def _fresh(self, vectors: Iterator[DayVectorRows]) -> Iterator[pa.Table]:
        """Rows of days that nobody has delivered yet; the rest is deferred.

        Rows of a batch's main months go at once; stragglers wait for each other, so that they share files.
        """
        aside: list[DayVectorRows] = []
        held = 0
        for rows in vectors:
            news = self._is_news(rows)
            fresh = rows.take(np.flatnonzero(news)) if not news.all() else rows
            if not news.all():
                self._deferred.append(rows.take(np.flatnonzero(~news)))
                held += len(self._deferred[-1].values)
            self._count(fresh, fresh.present, np.zeros(len(fresh), np.int64))
            months, sizes = np.unique(fresh.months, return_counts=True)
            small = np.isin(fresh.months, months[sizes < 0.05 * len(fresh)])
            if small.any():
                aside.append(fresh.take(np.flatnonzero(small)))
                fresh = fresh.take(np.flatnonzero(~small))
            if len(fresh):
                yield fresh.arrow(self._meters.ids, self._zone)
            if held > DEFERRED_VALUES:
                break
        else:
            self._exhausted = True
        if aside:
            yield joined(aside).arrow(self._meters.ids, self._zone)

    def _is_news(self, rows: DayVectorRows) -> NDArray[np.bool_]:
        """bool[r], True for the first row of a meter, channel and day that neither lake nor run has."""
        key = rows.key
        news = np.zeros(len(key), np.bool_)
        _, first = np.unique(key, return_index=True)
        news[first] = True
        for month in np.unique(rows.months):
            inside = rows.months == month
            for known in (self._keys_in_lake(int(month)), self._run_keys.get(int(month))):
                if known is not None and len(known):
                    at = np.minimum(np.searchsorted(known, key[inside]), len(known) - 1)
                    news[inside] &= known[at] != key[inside]
            added = key[inside & news]
            before = self._run_keys.get(int(month))
            merged = added if before is None else np.concatenate([before, added])
            self._run_keys[int(month)] = np.sort(merged, kind="stable")
        return news

    def _keys_in_lake(self, month: int) -> NDArray[np.int64]:
        """Sorted keys of the days of a month that the lake held before this import."""
        if not self._before.exists("reading"):
            return np.zeros(0, np.int64)
        if month not in self._lake_keys:
            first = np.datetime64(month, "M").astype("datetime64[D]").item()
            end = np.datetime64(month + 1, "M").astype("datetime64[D]").item()
            stored = self._before.stored("reading")
            held = stored.filter((stored.day >= first) & (stored.day < end))
            rows = held.select("meter_id", "channel", "day").distinct().to_pyarrow()
            self._lake_keys[month] = np.sort(self._key_of(rows))
        return self._lake_keys[month]

    def _key_of(self, rows: pa.Table) -> NDArray[np.int64]:
        meter = self._meters.numbers_of_canonical(rows.column("meter_id"))
        channel = _channel_numbers(rows)
        day = np.asarray(plain(rows.column("day")).cast(pa.date32()).cast(pa.int32()))
        return day_key(meter, channel, day)

    def _count(self, rows: DayVectorRows, new: NDArray[np.int64], same: NDArray[np.int64]) -> None:
        """Count new and repeated values of each row in its file; wide rows are one source row each."""
        whole = rows.source_row >= 0
        accepted = np.where(whole, (new > 0).astype(np.int64), new)
        superseded = np.where(whole, (new == 0).astype(np.int64), same)
        files = len(self._tallies)
        sums = {
            "rows_accepted": np.bincount(rows.file, accepted, files),
            "rows_superseded": np.bincount(rows.file, superseded, files),
            "intervals_accepted": np.bincount(rows.file, new, files),
            "intervals_superseded": np.bincount(rows.file, same, files),
        }
        for number in np.unique(rows.file):
            self._tallies[number].count(**{name: int(values[number]) for name, values in sums.items()})

    def _settle(self) -> DayVectorRows | None:
        """Judge the deferred rows, in the order they came, against every version of their days."""
        waiting = joined(self._deferred)
        self._deferred = []
        versions = Versions(self._stored_versions(waiting))
        before = np.isin(waiting.key, np.concatenate([np.zeros(0, np.int64), *self._lake_keys.values()]))
        revisions: list[DayVectorRows] = []
        while len(waiting):
            _, now = np.unique(waiting.key, return_index=True)
            rows = waiting.take(now)
            floor = np.where(before[now], self._received_us, np.iinfo(np.int64).min)
            outcome = settled(rows, versions, floor, ordered=self._ordered)
            self._count(rows, outcome.new, outcome.same)
            if len(outcome.revisions):
                revisions.append(outcome.revisions)
                versions.add(outcome.revisions)
            self._note(rows, outcome.conflicting)
            later = np.delete(np.arange(len(waiting)), now)
            waiting, before = waiting.take(later), before[later]
        return joined(revisions) if revisions else None

    def _note(self, rows: DayVectorRows, conflicting: NDArray[np.bool_]) -> None:
        for number in np.unique(rows.file[conflicting]):
            count = int((rows.file[conflicting] == number).sum())
            self._tallies[number].conflicts += count

    def _stored_versions(self, rows: DayVectorRows) -> DayVectorRows:
        """Every delivered version in the lake's present state of the days of `rows`."""
        import ibis

        wanted = rows.arrow(self._meters.ids, self._zone).select(["meter_id", "channel", "day"])
        view = self._lake.view()
        stored = view.stored("reading")
        stored = stored.filter(stored.revision == 0).select(
            "meter_id", "channel", "day", "interval_minutes", "available_at", "wh"
        )
        unique = wanted.group_by(["meter_id", "channel", "day"]).aggregate([])
        found = stored.semi_join(ibis.memtable(unique), ["meter_id", "channel", "day"]).to_pyarrow()
        view.close()
        return self._from_arrow(found)

    def _from_arrow(self, rows: pa.Table) -> DayVectorRows:
        lists = plain(rows.column("wh"))
        flat = lists.flatten()
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum(np.asarray(lists.value_lengths().fill_null(0)), out=offsets[1:])
        count = rows.num_rows
        available = plain(rows.column("available_at")).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
        return DayVectorRows(
            self._meters.numbers_of_canonical(rows.column("meter_id")),
            _channel_numbers(rows),
            np.asarray(plain(rows.column("day")).cast(pa.date32()).cast(pa.int32())),
            np.asarray(plain(rows.column("interval_minutes")).cast(pa.int32())),
            np.asarray(available),
            offsets,
            np.asarray(flat.cast(pa.int32()).fill_null(0)),
            np.asarray(flat.is_valid()),
            np.zeros(count, np.int32),
            np.full(count, -1, np.int64),
        )


def _channel_numbers(rows: pa.Table) -> NDArray[np.int8]:
    encoded = plain(rows.column("channel")).dictionary_encode()
    numbers = np.array([CHANNELS.index(word) for word in encoded.dictionary.to_pylist()], np.int8)
    return numbers[np.asarray(encoded.indices)] if len(encoded) else np.zeros(0, np.int8)
