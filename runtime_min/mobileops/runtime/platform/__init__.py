"""The host's side of the platform API: assets, models, the network's state, devices.

Each part is a provider. A distribution on the host replaces one through the entry point group ``mobileops.platform``;
without that the embedded ones are used. The permissions of the calling plugin are checked before a provider is asked.
"""
