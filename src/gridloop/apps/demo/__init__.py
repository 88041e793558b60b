"""The demo: a synthetic county and one whole turn of the loop over it, each step done once however often it is asked."""
