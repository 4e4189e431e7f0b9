"""One election night on this machine: the one process that may call the others."""
