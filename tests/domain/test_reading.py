from __future__ import annotations

from gridloop.domain.reading import FIRST_ESTIMATE, INTERVAL_MINUTES, MISSING_WH, Channel, ReadingQuality


def test_every_interval_length_divides_the_hour():
    assert all(60 % minutes == 0 for minutes in INTERVAL_MINUTES)


def test_estimates_are_the_codes_from_twenty_on():
    assert {code for code in ReadingQuality if code >= FIRST_ESTIMATE} == {
        code for code in ReadingQuality if code.name.startswith("ESTIMATED_") and code.value >= 20
    }
    assert ReadingQuality.ESTIMATED_BY_SOURCE < FIRST_ESTIMATE


def test_a_channel_has_its_unit_in_its_name():
    assert all(channel.endswith(("_wh", "_varh")) for channel in Channel)


def test_the_sentinel_fits_32_bits_and_is_no_reading():
    assert MISSING_WH == -2_147_483_648
