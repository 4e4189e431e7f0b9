"""Teaches a form from its scans, and tells how well it is found on others."""
