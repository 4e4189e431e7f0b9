"""The tally agent: reads scans from Kafka and applies them to the ledger, each exactly once."""
