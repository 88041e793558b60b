"""What every screen stands on: pages as data, words, drawings, guards. It knows no page of its own."""
