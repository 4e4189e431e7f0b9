"""Totals recomputed by anybody: from the broker, or from an exported folder, without Redis."""
