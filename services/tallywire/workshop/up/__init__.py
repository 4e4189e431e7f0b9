"""The local stack for scans of one's own, until Ctrl-C."""
