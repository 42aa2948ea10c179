"""A throw-away child for what cannot be undone in a process: namespaces, limits, filters."""

from __future__ import annotations

import json
import os

import pytest

from mobileops.runtime.isolation import jail, namespaces


@pytest.fixture
def in_child():
    """Run a function in a forked child; return its plain result, or ``[type, errno]`` of what it raised."""

    def run(function):
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer = function()
            except BaseException as error:  # noqa: BLE001 (the child has nothing else to say)
                answer = [type(error).__name__, getattr(error, "errno", None) or str(error)]
            os.write(write_end, json.dumps(answer).encode())
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as stream:
            data = stream.read()
        os.waitpid(child, 0)
        assert data, "the child died"
        return json.loads(data)

    return run


@pytest.fixture
def own_namespace():
    """Return a function that puts the calling child into a user and a mount namespace of its own."""

    def enter():
        uid, gid = os.geteuid(), os.getegid()
        if uid == 0:
            os.setgroups([])
            jail.enter_range(jail.fork_mapper(os.getpid()), step=lambda _name: None)
            namespaces.unshare(namespaces.NEWNS)
        else:
            namespaces.unshare(namespaces.NEWUSER | namespaces.NEWNS)
            namespaces.map_own_id(inside_uid=0, inside_gid=0, outside_uid=uid, outside_gid=gid)

    return enter
