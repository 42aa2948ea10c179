"""The scripts that a manifest names under ``hooks``, run inside the plugin's own sandbox.

=============  ======================  ========================================================
hook           thread                  when it fails
=============  ======================  ========================================================
pre_upgrade    main                    the new version is not started; the old one stays
pre_start      main                    the plugin is not started
post_start     main                    logged
post_upgrade   serving                 logged
pre_stop       serving                 the plugin is not stopped; ``stop --force`` does not ask
post_stop      main                    logged
=============  ======================  ========================================================

The plugin manager is told when one begins and ends, and kills a plugin whose hook takes too long: the hooks before
"ready" have the start timeout, those of the end the stop timeout, the others 60 s.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from typing import TYPE_CHECKING

from mobileops.errors import PluginError
from mobileops.runtime.channel.rpc import HOOK_REFUSED, Frame, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.sandboxed.serving.host import WorkerHost


def before(host: WorkerHost, hook: str, *, app: Path) -> None:
    """Run a ``pre_`` hook.

    Raises:
        PluginError: it failed, and what it precedes must not happen (MOP5107).
    """
    try:
        _run(host, hook, app=app)
    except BaseException as error:
        sys.stderr.write("".join(traceback.format_exception(error)))
        raise PluginError(f"the hook {hook} failed: {type(error).__name__}: {error}", code=HOOK_REFUSED) from error


def after(host: WorkerHost, hook: str, *, app: Path) -> None:
    """Run a ``post_`` hook; what it follows has happened, so its failure is only written down."""
    try:
        _run(host, hook, app=app)
    except BaseException as error:  # noqa: BLE001  whatever an author's script raises
        sys.stderr.write("".join(traceback.format_exception(error)))
        host.log("ERROR", f"the hook {hook} failed: {type(error).__name__}: {error}", {})


def _run(host: WorkerHost, hook: str, *, app: Path) -> None:
    script = host.document.get("hooks", {}).get(hook)
    if script is None:
        return
    host.log("DEBUG", f"running hook {hook}", {"script": script})
    host.send(Frame(Kind.NOTE, 0, "hook", {"hook": hook}))
    try:
        runpy.run_path(str(app / script), run_name=f"mobileops_hook_{hook}")
    finally:
        host.send(Frame(Kind.NOTE, 0, "hook", {"hook": None}))
