"""The report of a campaign: one page led by one sentence, in English and Chinese."""
