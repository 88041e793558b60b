"""The names of the hidden attributes; `traits` draws their values, and only truth files carry them."""

from __future__ import annotations

PHYSICAL = (
    "standby_w",
    "activity_w",
    "lighting_w",
    "cooling_w_per_k",
    "cooling_setpoint_c",
    "cooling_limit_w",
    "heating_w_per_k",
    "heating_setpoint_c",
    "heating_limit_w",
    "appliance_events_per_day",
    "appliance_event_w",
    "ev_charger_w",
    "ev_session_kwh",
    "ev_plug_probability",
    "ev_plug_hour",
    "pv_peak_kw",
    "pump_w",
    "pump_hours",
    "interval_noise",
    "daily_variation",
    "growth_per_year",
    "absence_rate",
    "phase_shift_hours",
)
"""Columns of the matrix that the load kernels read, in its order."""

BEHAVIOURAL = (
    "price_elasticity",
    "contact_receptiveness",
    "arrears_propensity",
    "switching_propensity",
    "household_persons",
    "floor_area_m2",
    "avoided_share_returned",
    "raises_evening_use",
    "contact_saving_share",
    "tariff_leaving_per_day",
)
"""What a campaign, a price or a bill meets."""

OF_PREMISES = (*PHYSICAL, *BEHAVIOURAL, "archetype_label", "true_class")
"""What premise.parquet tells."""

OF_EVENTS = (
    "hardship_severity",
    "text_family",
    "true_intent",
    "stolen_share",
    "stealing_since",
    "fault_proneness",
    "technical_loss_wh",
)
"""What the truth files of the subjects tell beside what their sources say."""

HIDDEN = (*OF_PREMISES, *OF_EVENTS)
"""Every hidden attribute by its own name; none may appear in a source file."""
