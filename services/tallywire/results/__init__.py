"""What a night leaves: exported evidence and totals, and the report with its figures."""
