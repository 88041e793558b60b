"""What a checked rule says of customers: as an Ibis expression over a table, or in Python of one row.

Both follow the same three-valued logic (Kleene 1938, as SQL does): a comparison with an absent value is unknown, `and`
is false when any part is false, `or` true when any part is true, and only what is true counts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from gridloop.insight.tags.rule_check import CheckedRule, TermType
from gridloop.insight.tags.rule_tree import (
    And,
    Comparison,
    Holds,
    Known,
    Literal,
    Membership,
    Not,
    Operand,
    Operator,
    Or,
    Rule,
    Value,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

_COMPARE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def compile_rule(rule: CheckedRule, customers: ir.Table) -> ir.BooleanValue:
    """The rule as a boolean column over a table of customers; null where it is unknown.

    Literals become typed values of the expression, never text of a query.

    Args:
        rule: see `check_rule`.
        customers: one row a customer, with the columns that the rule's vocabulary names.
    """
    return _Compiler(rule, customers).rule(rule.tree)


def rule_holds(rule: CheckedRule, row: Mapping[str, object]) -> bool | None:
    """Whether the rule is true of one customer; None where it is unknown. The reference for `compile_rule`.

    Args:
        rule: see `check_rule`.
        row: value by column, None for absent.
    """
    return _holds(rule, rule.tree, row)


class _Compiler:
    """Turns a tree into an expression over one table."""

    def __init__(self, rule: CheckedRule, customers: ir.Table) -> None:
        self.checked = rule
        self.customers = customers

    def rule(self, rule: Rule) -> Any:
        """The expression of one node."""
        match rule:
            case And(parts):
                return reduce(operator.and_, (self.rule(part) for part in parts))
            case Or(parts):
                return reduce(operator.or_, (self.rule(part) for part in parts))
            case Not(part):
                return ~self.rule(part)
            case Known(value):
                return self.value(value).notnull()
            case Holds(value):
                return self.value(value)
            case Comparison(left, sign, right):
                return _COMPARE[sign](self.value(left), self.operand(left, right))
            case Membership(left, options):
                return self.value(left).isin([self.operand(left, option) for option in options])

    def value(self, value: Value) -> Any:
        """The column of a value."""
        term = self.checked.term(value)
        column = self.customers[term.column]
        return column.cast("float64") if term.kind is TermType.NUMBER else column

    def operand(self, left: Value, operand: Operand) -> Any:
        """A typed literal, or another column."""
        import ibis

        if not isinstance(operand, Literal):
            return self.value(operand)
        kinds = {TermType.NUMBER: "float64", TermType.TEXT: "string", TermType.TRUTH: "boolean"}
        return ibis.literal(operand.value, kinds[self.checked.term(left).kind])


def _holds(checked: CheckedRule, rule: Rule, row: Mapping[str, object]) -> bool | None:
    match rule:
        case And(parts):
            said = [_holds(checked, part, row) for part in parts]
            return False if False in said else None if None in said else True
        case Or(parts):
            said = [_holds(checked, part, row) for part in parts]
            return True if True in said else None if None in said else False
        case Not(part):
            contrary = _holds(checked, part, row)
            return None if contrary is None else not contrary
        case Known(value):
            return row[checked.term(value).column] is not None
        case Holds(value):
            truth = row[checked.term(value).column]
            return None if truth is None else bool(truth)
        case Comparison(left, sign, right):
            one = row[checked.term(left).column]
            other = right.value if isinstance(right, Literal) else row[checked.term(right).column]
            return None if one is None or other is None else bool(_COMPARE[sign](one, other))
        case Membership(left, options):
            one = row[checked.term(left).column]
            return None if one is None else one in {option.value for option in options}
