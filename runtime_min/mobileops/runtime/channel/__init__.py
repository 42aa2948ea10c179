"""The channel between the plugin manager and a plugin: frames, their limits, and the manager's end of it."""
