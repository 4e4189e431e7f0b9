"""From a folder of scans to `tally.scans`: nothing is lost, nothing is sent twice on purpose."""
