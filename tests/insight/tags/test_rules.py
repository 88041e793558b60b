"""The rule language: printed rules parse to equal trees, bad ones are refused in place, both evaluators agree."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import UsageError
from gridloop.insight.tags.catalogue import load_tags
from gridloop.insight.tags.rule_check import CheckedRule, Term, TermType, Vocabulary, check_rule
from gridloop.insight.tags.rule_evaluate import compile_rule, rule_holds
from gridloop.insight.tags.rule_parse import parse_rule
from gridloop.insight.tags.rule_tree import (
    And,
    Comparison,
    Holds,
    Known,
    Literal,
    Membership,
    Name,
    Not,
    Operator,
    Or,
    TagName,
    print_rule,
    values_of,
)

CLASSES = ("residential", "shop", "office")
WORDS = Vocabulary(
    {
        "kwh": Term("kwh", TermType.NUMBER, "kWh"),
        "other_kwh": Term("other_kwh", TermType.NUMBER, "kWh"),
        "ratio": Term("ratio", TermType.NUMBER, "1"),
        "customer_class": Term("customer_class", TermType.TEXT, values=CLASSES),
        "region_id": Term("region_id", TermType.TEXT),
        "vulnerable": Term("vulnerable", TermType.TRUTH),
    },
    {"evening_peak": Term("tag_evening_peak", TermType.TRUTH)},
    {"class": "customer_class"},
)


def test_the_example_of_the_manual_reads_as_it_looks():
    tree = parse_rule("annual_energy_kwh > 3000 and tag('evening_peak') and class in ('residential', 'shop')")
    assert tree == And(
        (
            Comparison(Name("annual_energy_kwh"), Operator.MORE, Literal(3000.0)),
            Holds(TagName("evening_peak")),
            Membership(Name("class"), (Literal("residential"), Literal("shop"))),
        )
    )
    assert print_rule(tree) == (
        "annual_energy_kwh > 3000 and tag('evening_peak') and class in ('residential', 'shop')"
    )
    assert values_of(tree) == (Name("annual_energy_kwh"), TagName("evening_peak"), Name("class"))


def test_and_binds_closer_than_or_and_not_closest():
    tree = parse_rule("not vulnerable and kwh > 1 or ratio <= -2.5e-1")
    assert tree == Or(
        (
            And((Not(Holds(Name("vulnerable"))), Comparison(Name("kwh"), Operator.MORE, Literal(1.0)))),
            Comparison(Name("ratio"), Operator.AT_MOST, Literal(-0.25)),
        )
    )


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5).map(float)
texts = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=8)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda n: n not in ("and", "or", "not", "in", "known", "tag", "true", "false")
)
values = st.builds(Name, names) | st.builds(TagName, texts)
literals = st.builds(Literal, numbers | texts | st.booleans())


def joined(parts):
    """Trees over these parts."""
    many = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(And, many) | st.builds(Or, many) | st.builds(Not, parts)


leaves = (
    st.builds(Comparison, values, st.sampled_from(list(Operator)), literals | values)
    | st.builds(Membership, values, st.lists(literals, min_size=1, max_size=3).map(tuple))
    | st.builds(Known, values)
    | st.builds(Holds, values)
)


@given(st.recursive(leaves, joined, max_leaves=12))
def test_a_printed_tree_parses_to_an_equal_one(tree):
    assert parse_rule(print_rule(tree)) == tree


def typed_leaves():
    """Leaves that check against WORDS, with literals near the rows' values."""
    number = st.sampled_from([Name("kwh"), Name("other_kwh"), Name("ratio")])
    small = st.builds(Literal, st.integers(-2, 2).map(lambda n: n / 2))
    code = st.builds(Literal, st.sampled_from(CLASSES))
    region = st.builds(Literal, st.sampled_from(["", "n", "O'Brien"]))
    truth = st.sampled_from([Name("vulnerable"), TagName("evening_peak")])
    equal = st.sampled_from([Operator.EQUAL, Operator.UNEQUAL])
    anything = number | truth | st.sampled_from([Name("class"), Name("region_id")])
    return (
        st.builds(Comparison, number, st.sampled_from(list(Operator)), small)
        | st.builds(Comparison, st.just(Name("kwh")), st.sampled_from(list(Operator)), st.just(Name("other_kwh")))
        | st.builds(Comparison, st.just(Name("class")), equal, code)
        | st.builds(Comparison, truth, equal, st.builds(Literal, st.booleans()))
        | st.builds(Membership, number, st.lists(small, min_size=1, max_size=3).map(tuple))
        | st.builds(Membership, st.just(Name("region_id")), st.lists(region, min_size=1).map(tuple))
        | st.builds(Holds, truth)
        | st.builds(Known, anything)
    )  # fmt: skip


def maybe(strategy):
    """Or absent."""
    return st.none() | strategy


half = st.integers(-2, 2).map(lambda n: n / 2)
rows = st.fixed_dictionaries(
    {
        "kwh": maybe(half),
        "other_kwh": maybe(half),
        "ratio": maybe(half),
        "customer_class": maybe(st.sampled_from(CLASSES)),
        "region_id": maybe(st.sampled_from(["", "n", "O'Brien"])),
        "vulnerable": maybe(st.booleans()),
        "tag_evening_peak": maybe(st.booleans()),
    }
)
ROW_TYPES = pa.schema(
    [(n, pa.float64()) for n in ("kwh", "other_kwh", "ratio")]
    + [(n, pa.string()) for n in ("customer_class", "region_id")]
    + [(n, pa.bool_()) for n in ("vulnerable", "tag_evening_peak")]
)


@settings(max_examples=25)
@given(
    st.lists(st.recursive(typed_leaves(), joined, max_leaves=8), min_size=5, max_size=12),
    st.lists(rows, min_size=1, max_size=25),
)
def test_the_compiled_rule_says_of_every_row_what_the_python_evaluator_says(trees, given_rows):
    rules = [check_rule(print_rule(tree), WORDS) for tree in trees]
    numbered = pa.Table.from_pylist(given_rows, schema=ROW_TYPES).append_column(
        "place", pa.array(range(len(given_rows)))
    )
    customers = ibis.memtable(numbered)
    compiled = {f"r{place}": compile_rule(rule, customers) for place, rule in enumerate(rules)}
    answers = customers.select("place", **compiled).to_pyarrow().sort_by("place")
    for place, rule in enumerate(rules):
        assert answers[f"r{place}"].to_pylist() == [rule_holds(rule, row) for row in given_rows]


def test_absent_values_are_unknown_and_not_a_member():
    rule = check_rule("kwh > 1 or not vulnerable", WORDS)
    assert rule_holds(rule, {"kwh": None, "vulnerable": None}) is None
    assert rule_holds(rule, {"kwh": None, "vulnerable": False}) is True
    assert rule_holds(rule, {"kwh": 0.0, "vulnerable": True}) is False


REFUSED = [
    ("kw > 3", 1, "there is no column 'kw'", "Did you mean 'kwh'?"),
    ("kwh > 3 and tag('evning_peak')", 17, "there is no tag 'evning_peak'", "Did you mean 'evening_peak'?"),
    ("evening_peak", 1, "there is no column", "Write tag('evening_peak')."),
    ("tag('kwh') > 2", 5, "there is no tag", "Write kwh."),
    ("kwh > 'much'", 7, "is a number and cannot be compared with a text", "Write a number in kWh, without quotes."),
    ("class = 'residental'", 9, "'residental' is not a value of 'class'", "Did you mean 'residential'?"),
    ("class > 'shop'", 1, "> needs numbers", "Write = or != or in."),
    ("kwh = ratio", 7, "cannot be compared", "Compare values of the same type and unit."),
    ("kwh", 1, "'kwh' is a number, not a condition", "Compare it: kwh > 0."),
    ("vulnerable in (true)", 1, "is a truth", "Write vulnerable."),
    ("kwh == 3", 5, "'==' is not an operator here", "Write `=`."),
    ("3 < kwh", 1, "unexpected '3'", "Write the column first: annual_energy_kwh > 3000."),
    ("kwh > 3 ratio > 1", 9, "unexpected 'ratio'", "Join conditions with `and` or `or`."),
    ("kwh > ", 7, "it ends too early", "Here a column, tag('…') or known(…) is expected."),
    ("(kwh > 3", 9, "it ends too early", "Here ')' is expected."),
    ("kwh > 1e999", 7, "1e999 is too large for a number", ""),
    ("", 1, "it ends too early", "Here a column, tag('…') or known(…) is expected."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "position", "what", "way_out"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_wrong_rule_is_refused_with_its_place_and_a_way_out(text, position, what, way_out):
    with pytest.raises(UsageError) as refused:
        check_rule(text, WORDS)
    assert refused.value.evidence["at character"] == position
    assert what in refused.value.what
    assert way_out in "\n".join(refused.value.ways_out)


@pytest.mark.parametrize(
    "text",
    [
        "kwh > 1; drop table customer",
        "region_id = 'n' -- and vulnerable",
        "region_id = \"n\"",
        "region_id = 'n'' or 1=1",
        "kwh > (select max(kwh) from customer)",
        "read_parquet('/etc/passwd')",
        "customer.kwh > 1",
        "kwh > 1 /* */",
        "kwh > 1 union all",
        "known(kwh) = true",
        "kwh > 1\x00",
        "kwh > ３",
        "région = 'n'",
        "__class__ = 'x'",
        "tag(evening_peak)",
        "tag('a' || 'b')",
        "(" * 40 + "vulnerable" + ")" * 40,
        "not " * 5000 + "vulnerable",
        "not " * 40 + "vulnerable",
        "kwh in (" + "1," * 300 + "1)",
        "kwh in ()",
    ],
)  # fmt: skip
def test_an_injection_or_anything_else_that_is_no_rule_is_refused(text):
    with pytest.raises(UsageError):
        check_rule(text, WORDS)


def test_a_hostile_text_stays_a_text():
    rule = check_rule("region_id = 'x'' or ''1''=''1'", WORDS)
    table = pa.table({"region_id": ["x", "x' or '1'='1", "n"]})
    customers = ibis.memtable(table)
    assert customers.filter(compile_rule(rule, customers)).to_pyarrow().num_rows == 1


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_a_usage_error(text):
    try:
        checked = check_rule(text, WORDS)
    except UsageError as error:
        assert "Rule" in error.what or error.what.startswith("The rule")
    else:
        assert isinstance(checked, CheckedRule)


def test_the_place_of_an_error_is_shown_below_the_rule():
    with pytest.raises(UsageError) as refused:
        check_rule("kwh > 3 and rati > 2 and vulnerable", WORDS)
    evidence = refused.value.evidence
    pointed = evidence["here"].index("^")
    assert evidence["rule"][pointed:].startswith("rati")


def test_every_shipped_tag_is_known_to_rules_of_segments():
    tags = load_tags()
    assert check_rule("tag('evening_peak') and tag('energy_decile') >= 9", tags.vocabulary)
    assert check_rule("tag('holiday_change') = 'more' and class = 'shop'", tags.vocabulary)
