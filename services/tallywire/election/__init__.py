"""The election as data: contests, districts, stations and forms, read once, checked whole."""
