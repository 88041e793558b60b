"""Nouns and pure arithmetic of an electric utility: no I/O, no data-frame library, importable in milliseconds."""
