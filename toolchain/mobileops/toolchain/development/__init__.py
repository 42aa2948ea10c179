"""Run a plugin from its source: an author's loop of checking, building and replacing, around the real sandbox.

=============  =================================================================================
``session``    the loop: what a change of the source does, and what is shown of it
``workbench``  a home, a plugin manager and a signing key that exist for one session, and no longer
``watching``   whether the source has changed
``tail``       what the plugin and the plugin manager write meanwhile
=============  =================================================================================

What is built here can never be taken for a release. It is signed with a key that is made for the session, is never
written down, and is named by no trust policy but the one of the session's own home.
"""
