"""What an install or an upgrade would change, before anything does.

::

    offers      which versions there are: repositories, or bundles that were built here
    device      which of them this device can run
    resolver    one version for each plugin that is needed, so that every need is met; `conflicts` says why not
    plan        what these versions would change: signer, permissions, API, settings, dependencies, size
    consent     which permissions each of them gets

    mending     what was installed and is damaged, once more
    removal     the same for an uninstall: what would go, and who needs it

The store commits the result, whole or not at all.
"""
