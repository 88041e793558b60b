"""How source files are opened: as Arrow batches that know the number of each row in the file."""
