"""What messages say: templates as data, filled strictly, in English and Chinese."""
