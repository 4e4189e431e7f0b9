"""Refused scans: what they are, their bytes, and once more to the scans topic after a fix."""
