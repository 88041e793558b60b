"""Indexes for the gate and the outbox: both ask per customer, and the outbox is read in the order it was planned."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the indexes in place."""
    op.drop_index("send_status_channel_planned_at_idx", "send")
    op.create_index(
        "send_status_channel_planned_at_send_id_idx", "send", ["status", "channel", "planned_at", "send_id"]
    )
    for table in ("send", "response", "unsubscribe"):
        op.create_index(f"{table}_customer_id_idx", table, ["customer_id"])
