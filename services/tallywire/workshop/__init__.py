"""What serves no real night: synthetic sheets, local servers, demo, bench and faults.

Nothing of the night imports it.
"""
