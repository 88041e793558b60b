"""The number-crunching core: compiled loops over day-vectors and shapes, numpy in and numpy out, no files."""
