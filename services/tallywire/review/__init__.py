"""A person decides: what waits, in which order, what is decided, and what happened to a station."""
