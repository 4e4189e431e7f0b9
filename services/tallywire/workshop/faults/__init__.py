"""Election nights on which something breaks, and what each of them came to."""
