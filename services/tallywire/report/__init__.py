"""The paper's figures 10, 11 and 12 for one night, with the numbers beside the pictures."""
