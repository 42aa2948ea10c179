"""The plugin manager: everything a device needs to verify, sandbox and run plugins.

================ =====================================================================================
``manager``      the process: one per home; its socket, and how it is started and asked
``supervision``  which plugins run: start, watch, start again, replace, stop
``installation`` what an install would change: resolved, planned, and agreed to
``comparison``   what a version changes for those who have another
``routing``      who may reach whom: calls, messages, events
``platform``     what the host offers plugins: assets, inference, the state of the network, devices
``permissions``  what was declared, compiled, used and denied, in words
``instances``    one run of one plugin, and what is known and decided about it
``launching``    from a policy to a process: the zygote, and what the host must give it
``broker``       the network of plugins that have a permission for it
``sandboxed``    what runs beside a plugin's code
``channel``      frames between the two sides, and their limits
``isolation``    what the kernel is told: namespaces, mounts, Landlock, seccomp, control groups
``trust``        whether a bundle may be installed: signature, identity, policy
``store``        installed plugins on disk
================ =====================================================================================

An import contract in ``pyproject.toml`` keeps the order: each imports only what is below it.
"""

from __future__ import annotations

__version__ = "0.1.0"

PLATFORM_VERSION = "1.0.0"
"""Of what plugins see: manifest, author SDK, platform API. ``compatibility.platform_version`` is about it."""
