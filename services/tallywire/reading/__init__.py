"""From cell probabilities to counts, quality and verdict: pure functions, no I/O."""
