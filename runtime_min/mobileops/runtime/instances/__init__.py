"""One run of one plugin, and what is known and decided about it."""
