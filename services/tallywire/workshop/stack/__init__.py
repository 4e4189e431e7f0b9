"""Servers on this machine for demo, bench and tests: started, watched, and never left behind."""
