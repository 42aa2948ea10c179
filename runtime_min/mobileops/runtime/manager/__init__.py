"""The plugin manager's process, and how the command line and a service manager talk to it."""
