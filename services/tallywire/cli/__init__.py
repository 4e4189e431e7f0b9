"""One thin file per sub-command: options in, a process called, an exit code out."""
