"""Facts of the ledger have one digest, whatever the order of their rows."""

import pyarrow as pa

from gridloop.strategy.facts import BOUNCES, RUNNING, LedgerFacts


def test_the_digest_is_of_the_rows_not_of_their_order():
    units = pa.table({"account_id": ["a1", "a2"]}, schema=RUNNING)
    one, other = LedgerFacts(running=units), LedgerFacts(running=units.take([1, 0]))
    assert one.digest == other.digest
    assert one.digest != LedgerFacts().digest


def test_a_row_counts_in_the_table_that_it_stands_in():
    bounced = pa.table({"customer_id": ["c1"], "channel": ["sms"]}, schema=BOUNCES)
    assert LedgerFacts(bounces=bounced).digest != LedgerFacts(unsubscribes=bounced).digest
