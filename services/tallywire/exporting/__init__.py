"""The evidence and the totals of an election as files."""
