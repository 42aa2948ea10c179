"""Hand changed settings to a plugin that runs.

Settings that apply ``live`` go over the channel: the plugin's ``reload_config()`` runs between two calls, in the thread
that runs its methods. Those of ``reload`` and ``restart`` need a new process, which reads them at its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.settings.files import SettingsFiles
from mobileops.runtime.settings.judgement import handed, secrets

if TYPE_CHECKING:
    from mobileops.runtime.home import Home
    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.store import Store

TIMEOUT_S: Final = 30.0


class Configuring:
    """Hands settings to runs."""

    def __init__(self, home: Home, store: Store) -> None:
        """Use the settings of a home.

        Args:
            home: the plugin manager's folder.
            store: installed plugins.
        """
        self._files = SettingsFiles(home)
        self._store = store

    def renew(self, instance: Instance) -> dict[str, Any]:
        """Return the settings of a run as they are now; hide its secrets from now on, those before still among them.

        Raises:
            PluginError: they do not fit the version that runs.
        """
        receipt = instance.receipt
        manifest, stored = self._store.manifest(receipt), self._files.load(receipt.name)
        instance.redaction = instance.redaction.and_also(secrets(manifest, stored))
        return handed(manifest, stored, folder=self._store.folder(receipt)).values

    async def tell(self, instance: Instance) -> None:
        """Have a run take over its settings where it is.

        Raises:
            CallError: its ``reload_config()`` failed; it keeps the settings that it had.
            PluginError: they do not fit the version that runs.
        """
        settings = self.renew(instance)
        if instance.connection is not None:
            with instance.calls.one():
                await instance.connection.request(
                    Kind.CONTROL, "configure", {"settings": settings}, deadline_s=TIMEOUT_S
                )
