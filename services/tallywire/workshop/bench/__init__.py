"""Speed: the ceiling of the cores, the pipeline against it, and a long backlog."""
