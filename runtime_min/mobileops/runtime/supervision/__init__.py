"""Which plugins run: start, watch, start again, replace, stop."""
