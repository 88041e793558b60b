"""Revisions of the ledger's tables: each written out in full and never changed once released."""
