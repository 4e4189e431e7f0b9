"""Tallywire reads the handwritten vote tallies of an election night as they arrive."""

__version__ = "0.1.0"
