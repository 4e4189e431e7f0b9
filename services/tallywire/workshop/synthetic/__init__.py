"""Synthetic tally sheets: a printed form, handwriting on it, and what a scanner makes of it."""
