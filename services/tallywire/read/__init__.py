"""Reads sheets from files, without broker or ledger."""
