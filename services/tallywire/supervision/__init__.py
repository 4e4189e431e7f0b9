"""Child processes of ours: started under watch, started again, and never left behind."""
