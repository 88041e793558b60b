"""The demo: a synthetic county and one whole turn of the loop over it; each step is done once, however often asked."""
