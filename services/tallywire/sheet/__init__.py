"""Pixels and geometry of a tally sheet: pure functions, no I/O."""
