"""The plain rule: the best split by brute force, thresholds a person can say, absent values on neither side."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.insight.segments.plain_rule import fit_rule, shortest_between
from gridloop.insight.tags.rule_check import Term, TermType, Vocabulary, check_rule
from gridloop.insight.tags.rule_evaluate import rule_holds
from gridloop.insight.tags.rule_tree import print_rule


def test_one_question_where_one_is_enough():
    share = np.array([0.1, 0.12, 0.15, 0.18, 0.2, 0.31, 0.33, 0.35, 0.4, 0.41])
    assert print_rule(fit_rule({"evening_share": share}, share > 0.3)) == "evening_share > 0.3"


def test_two_questions_where_members_are_a_corner():
    grid = np.array([(x, y) for x in range(8) for y in range(8)], float)
    member = (grid[:, 0] > 3) & (grid[:, 1] > 4)
    rule = fit_rule({"x": grid[:, 0], "y": grid[:, 1]}, member)
    assert print_rule(rule) == "y > 4 and x > 3.5"
    said = [holds(rule, x=x, y=y) for x, y in grid]
    assert said == member.tolist()


def test_members_at_both_ends_are_joined_by_or():
    x = np.arange(40.0)
    rule = fit_rule({"x": x}, (x < 10) | (x >= 30))
    assert [holds(rule, x=value) for value in x] == ((x < 10) | (x >= 30)).tolist()
    assert " or " in print_rule(rule)


def test_nobody_to_describe_gives_no_rule():
    x = np.arange(40.0)
    assert fit_rule({"x": x}, np.zeros(40, bool)) is None
    assert fit_rule({"x": np.ones(40)}, x > 20) is None
    assert fit_rule({}, x > 20) is None


def test_who_lacks_the_column_is_no_member():
    x = np.array([1.0] * 10 + [2.0] * 10 + [np.nan] * 3)
    rule = fit_rule({"x": x}, np.array([False] * 10 + [True] * 10 + [False] * 3))
    assert print_rule(rule) == "x > 1.5"
    assert holds(rule, x=None) is None


def test_thresholds_are_the_shortest_number_between_two_values():
    assert shortest_between(0.2371, 0.3129) == 0.3
    assert shortest_between(0.2371, 0.2379) == 0.2375
    assert shortest_between(1.0, 2.0) == 1.5
    assert shortest_between(1_240.0, 3_310.0) == 2_000.0
    low, high = 0.1, np.nextafter(0.1, 1)
    assert low <= shortest_between(low, high) < high


def holds(rule, **row):
    """What the rule says of a row."""
    names = Vocabulary({name: Term(name, TermType.NUMBER) for name in row})
    return rule_holds(check_rule(print_rule(rule), names), row)


small = st.integers(0, 5).map(float) | st.just(float("nan"))


@settings(max_examples=60)
@given(st.lists(st.tuples(small, small, st.booleans()), min_size=10, max_size=30))
def test_the_first_question_is_the_best_of_all_questions(rows):
    x, y, member = (np.array(column) for column in zip(*rows, strict=True))
    member = member.astype(bool)

    def impurity(group):
        return group.sum() * (~group).sum() / max(1, len(group))

    best = impurity(member)
    for column in (x, y):
        for t in np.unique(column[~np.isnan(column)]):
            sides = [member[column <= t], member[column > t], member[np.isnan(column)]]
            if min(len(sides[0]), len(sides[1])) >= 5:
                best = min(best, sum(map(impurity, sides)))

    from gridloop.insight.segments.plain_rule import _best_split

    found = _best_split({"x": x, "y": y}, member, np.arange(len(rows)), 5)
    assert (found is None) == (best > impurity(member) - 1e-9)
    if found is not None:
        assert abs(found.impurity - best) < 1e-9
