"""Who may reach whom: calls, messages, events and what a plugin asks of the plugin manager."""
