"""Serve the local instance over HTTP on loopback, so that other Sigstore clients of this account can sign with it.

Who may ask: the account that owns the instance (and root, which could read its keys anyhow). Loopback alone would let
every account of the machine in, and every page in this account's browser. Three checks, each on every request:

1. the peer's socket belongs to this account: the kernel says so in ``/proc/net/tcp`` (``peer``);
2. the ``Host`` header names this server, and a body is declared as what it is: a page in a browser can do neither
   without asking first (DNS rebinding; Fetch standard, "CORS-safelisted request-header");
3. for a certificate, the identity token that this server minted when it started: it lies in a file of mode 0600, and
   dies with the process (``token``).
"""

from __future__ import annotations

from mobileops.toolchain.sign.serve.server import InstanceServer

__all__ = ["InstanceServer"]
