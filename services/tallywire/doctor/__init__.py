"""`tallywire doctor`: looks at every part, says what is wrong and what to do about it."""
