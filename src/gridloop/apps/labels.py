"""What declarations say in both languages: labels of tables, columns, features, tags, segments, plays and tariffs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from gridloop.domain.table import Label
from gridloop.domain.tables import CATALOGUE


@cache
def bilingual() -> dict[str, str]:
    """English to Chinese of everything that ships; the first of two that say the same in English holds."""
    found: dict[str, str] = {}
    for label in _labels():
        found.setdefault(label.en, label.zh)
    return found


def _labels() -> Iterator[Label]:
    from gridloop.insight.segments.definition import load_segments
    from gridloop.insight.tags.catalogue import load_tags
    from gridloop.insight.tags.reasons import REASONS
    from gridloop.kernels.features.catalogue import FEATURES
    from gridloop.kernels.features.reason import Reason
    from gridloop.strategy.playbook.store import list_playbooks
    from gridloop.strategy.tariff.store import list_tariffs

    for spec in CATALOGUE.values():
        yield spec.label
        yield from (column.label for column in spec.columns)
    yield from (_label(feature.label) for feature in FEATURES)
    for tag in load_tags():
        yield _label(tag.label)
        yield _label(tag.definition)
        yield from (_label(choice.label) for choice in tag.choices)
        if tag.otherwise is not None:
            yield _label(tag.otherwise.label)
    yield from (_label(segment.label) for segment in load_segments())
    yield from (_label(said) for said in REASONS.values())
    yield from (_label(reason.label) for reason in Reason)
    for play in list_playbooks():
        yield _label(play.title)
        yield _label(play.description)
        yield from (_label(one.label) for one in (play.success.primary, *play.success.secondary))
        yield from (_label(one.label) for one in play.exclusions)
    yield from (_label(tariff.title) for tariff in list_tariffs())


def _label(said: object) -> Label:
    return Label(str(getattr(said, "en")), str(getattr(said, "zh")))  # noqa: B009 - each kind has its own class
