"""What serves a plugin inside its own process: its host, its methods, their arguments, streams and coroutines."""
