"""Find the least that a plugin needs: its tests recorded in its own sandbox, joined with what its code shows.

::

    recorder    runs inside the sandbox: tells what the tests make the plugin do
    recording   makes the sandbox, copies the recorder into it, reads what it tells
    observed    what that needs, as permissions
    narrowing   declared permissions, observations and the code's own needs -> what is kept, narrowed, dropped, and why
    edit        puts the result into the manifest's text
    proposal    all of it in order, tried out with the tests
"""

from __future__ import annotations

from mobileops.toolchain.tighten.proposal import Proposal, propose

__all__ = ["Proposal", "propose"]
