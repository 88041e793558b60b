"""The first tables of the ledger, and the triggers that make some of them append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON()
MONEY = sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite")  # whole millionths: SQLite has no decimals

APPEND_ONLY = ("approval", "assignment", "audit")


def upgrade() -> None:
    """Create the tables, then the triggers."""

    _create_approval()
    _create_audit()
    _create_job_run()
    _create_plan()
    _create_product()
    _create_campaign()
    _create_case()
    _create_assignment()
    _create_case_event()
    _create_enrolment()
    _create_send()
    _create_response()
    _create_unsubscribe()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _create_approval() -> None:
    op.create_table(
        "approval",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("subject_digest", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("approval_id", name="approval_pkey"),
        sa.CheckConstraint(
            "decision IN ('approved', 'rejected', 'withdrawn')", name="approval_decision_check"
        ),
    )
    op.create_index("approval_subject_kind_subject_id_idx", "approval", ["subject_kind", "subject_id"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="audit_pkey"),
        sa.UniqueConstraint("hash", name="audit_hash_key"),
        sa.CheckConstraint("sequence >= 1", name="audit_sequence_check"),
    )


def _create_job_run() -> None:
    op.create_table(
        "job_run",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("inputs_digest", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("manifest", DOCUMENT, nullable=True),
        sa.Column("counts", DOCUMENT, nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("heartbeat_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("run_id", name="job_run_pkey"),
        sa.CheckConstraint(
            "outcome IN ('running', 'succeeded', 'failed', 'killed', 'skipped')", name="job_run_outcome_check"
        ),
        sa.CheckConstraint("pid >= 0", name="job_run_pid_check"),
        sa.CheckConstraint(
            "stage IN ('data', 'insight', 'strategy', 'reach', 'evaluation', 'security', 'apps')",
            name="job_run_stage_check",
        ),
    )
    op.create_index("job_run_job_outcome_finished_at_idx", "job_run", ["job", "outcome", "finished_at"])
    running = sa.text("outcome = 'running'")
    op.create_index(
        "job_run_one_running", "job_run", ["job"], unique=True, sqlite_where=running, postgresql_where=running
    )
    op.create_index("job_run_outcome_finished_at_idx", "job_run", ["outcome", "finished_at"])


def _create_plan() -> None:
    op.create_table(
        "plan",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("audience", DOCUMENT, nullable=False),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("expectation", DOCUMENT, nullable=True),
        sa.Column("manifest", DOCUMENT, nullable=True),
        sa.Column("previous_plan_id", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("plan_id", name="plan_pkey"),
        sa.ForeignKeyConstraint(["previous_plan_id"], ["plan.plan_id"], name="plan_previous_plan_id_fkey"),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'approved', 'rejected', 'cancelled', 'launched', 'finished')",
            name="plan_status_check",
        ),
        sa.CheckConstraint("version >= 1", name="plan_version_check"),
    )
    op.create_index("plan_status_idx", "plan", ["status"])


def _create_product() -> None:
    op.create_table(
        "product",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("product_kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tariff_id", sa.Text(), nullable=True),
        sa.Column("terms", DOCUMENT, nullable=False),
        sa.Column("unit_cost", MONEY, nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("product_id", name="product_pkey"),
        sa.CheckConstraint(
            "product_kind IN ('tariff', 'demand_response', 'efficiency', 'green_power', 'prepayment', 'service')",
            name="product_product_kind_check",
        ),
        sa.CheckConstraint("status IN ('draft', 'offered', 'withdrawn')", name="product_status_check"),
    )


def _create_campaign() -> None:
    op.create_table(
        "campaign",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("unit_kind", sa.Text(), nullable=False),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("launched_by", sa.Text(), nullable=False),
        sa.Column("launched_at", INSTANT, nullable=False),
        sa.Column("stopped_at", INSTANT, nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("product_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", name="campaign_pkey"),
        sa.UniqueConstraint("plan_id", name="campaign_plan_id_key"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="campaign_plan_id_fkey"),
        sa.ForeignKeyConstraint(["product_id"], ["product.product_id"], name="campaign_product_id_fkey"),
        sa.CheckConstraint(
            "status IN ('scheduled', 'running', 'paused', 'stopped', 'finished')",
            name="campaign_status_check",
        ),
        sa.CheckConstraint(
            "unit_kind IN ('account', 'customer', 'household', 'feeder', 'community')",
            name="campaign_unit_kind_check",
        ),
    )


def _create_case() -> None:
    op.create_table(
        "case",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("case_kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject_table", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("score_run_id", sa.Text(), nullable=True),
        sa.Column("expected_value", MONEY, nullable=True),
        sa.Column("expected_energy_kwh", sa.Double(), nullable=True),
        sa.Column("evidence", DOCUMENT, nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name="case_pkey"),
        sa.ForeignKeyConstraint(["score_run_id"], ["job_run.run_id"], name="case_score_run_id_fkey"),
        sa.CheckConstraint(
            "case_kind IN ('theft', 'arrears', 'churn', 'complaint', 'fault', 'data_quality', 'undecided_send')",
            name="case_case_kind_check",
        ),
        sa.CheckConstraint(
            "status IN ('open', 'research', 'inspection', 'resolved', 'closed')", name="case_status_check"
        ),
    )
    op.create_index("case_status_idx", "case", ["status"])


def _create_assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=True),
        sa.Column("assigned_at", INSTANT, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", "unit_id", name="assignment_pkey"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.campaign_id"], name="assignment_campaign_id_fkey"
        ),
        sa.CheckConstraint("probability >= 0 AND probability <= 1", name="assignment_probability_check"),
    )


def _create_case_event() -> None:
    op.create_table(
        "case_event",
        sa.Column("case_event_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("details", DOCUMENT, nullable=True),
        sa.PrimaryKeyConstraint("case_event_id", name="case_event_pkey"),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name="case_event_case_id_fkey"),
        sa.CheckConstraint(
            "action IN ('opened', 'assigned', 'noted', 'inspected', 'decided', 'closed', 'reopened')",
            name="case_event_action_check",
        ),
    )
    op.create_index("case_event_case_id_idx", "case_event", ["case_id"])


def _create_enrolment() -> None:
    op.create_table(
        "enrolment",
        sa.Column("enrolment_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("enrolled_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("enrolment_id", name="enrolment_pkey"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.campaign_id"], name="enrolment_campaign_id_fkey"),
        sa.ForeignKeyConstraint(["product_id"], ["product.product_id"], name="enrolment_product_id_fkey"),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'declined', 'withdrawn', 'ended')", name="enrolment_status_check"
        ),
    )
    op.create_index("enrolment_campaign_id_idx", "enrolment", ["campaign_id"])


def _create_send() -> None:
    op.create_table(
        "send",
        sa.Column("send_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("sending_at", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("not_before", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("cost", MONEY, nullable=True),
        sa.PrimaryKeyConstraint("send_id", name="send_pkey"),
        sa.UniqueConstraint("idempotency_key", name="send_idempotency_key_key"),
        sa.UniqueConstraint("message_id", name="send_message_id_key"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.campaign_id"], name="send_campaign_id_fkey"),
        sa.CheckConstraint("attempts >= 0", name="send_attempts_check"),
        sa.CheckConstraint(
            "status IN ('planned', 'sending', 'sent', 'unknown', 'failed', 'bounced', 'cancelled')",
            name="send_status_check",
        ),
    )
    op.create_index("send_campaign_id_idx", "send", ["campaign_id"])
    op.create_index("send_status_channel_planned_at_idx", "send", ["status", "channel", "planned_at"])


def _create_response() -> None:
    op.create_table(
        "response",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("send_id", sa.Text(), nullable=True),
        sa.Column("campaign_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("details", DOCUMENT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("response_id", name="response_pkey"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.campaign_id"], name="response_campaign_id_fkey"),
        sa.ForeignKeyConstraint(["send_id"], ["send.send_id"], name="response_send_id_fkey"),
    )
    op.create_index("response_campaign_id_idx", "response", ["campaign_id"])
    op.create_index("response_send_id_idx", "response", ["send_id"])


def _create_unsubscribe() -> None:
    op.create_table(
        "unsubscribe",
        sa.Column("unsubscribe_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("send_id", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("unsubscribe_id", name="unsubscribe_pkey"),
        sa.ForeignKeyConstraint(["send_id"], ["send.send_id"], name="unsubscribe_send_id_fkey"),
    )


def _guard_sqlite() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    # Also against INSERT OR REPLACE, which deletes without firing the trigger above.
    op.execute(
        "CREATE TRIGGER audit_refuses_gap BEFORE INSERT ON audit "
        "WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit) "
        "BEGIN SELECT RAISE(ABORT, 'audit continues at its end only'); END"
    )
    for table, key in (
        ("approval", "approval_id = NEW.approval_id"),
        ("assignment", "campaign_id = NEW.campaign_id AND unit_id = NEW.unit_id"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION gridloop_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION gridloop_append_only()"
        )
    op.execute(
        "CREATE FUNCTION gridloop_audit_continues() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit) THEN "
        "RAISE EXCEPTION 'audit continues at its end only' USING ERRCODE = 'restrict_violation'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_gap BEFORE INSERT ON audit "
        "FOR EACH ROW EXECUTE FUNCTION gridloop_audit_continues()"
    )
