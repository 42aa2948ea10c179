"""Find out whose socket is at the other end of a loopback connection.

TCP has no SO_PEERCRED. The kernel lists every socket with its owner, though (proc_pid_net(5), ``/proc/net/tcp``): the
peer's is the one whose local address is our remote one. Both ends are in one network namespace: it is loopback.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Final

TABLE: Final = Path("/proc/net/tcp")
MAX_TABLE_BYTES: Final = 16 << 20
LOCAL_FIELD: Final = 1
REMOTE_FIELD: Final = 2
STATE_FIELD: Final = 3
OWNER_FIELD: Final = 7
ESTABLISHED: Final = "01"

Address = tuple[str, int]


def owner(peer: Address, own: Address, *, table: Path = TABLE) -> int | None:
    """Return the user id that owns the socket at ``peer``, None if there is no such socket any more.

    A socket whose process has closed it belongs to nobody, and the kernel lists it under user 0: only an established
    connection has an owner.

    Args:
        peer: IPv4 address and port of the other end.
        own: of this end.
        table: the kernel's list.
    """
    wanted = (_as_listed(peer), _as_listed(own))
    with table.open("rb") as file:
        lines = file.read(MAX_TABLE_BYTES).decode("ascii").splitlines()[1:]
    for line in lines:
        fields = line.split()
        if (fields[LOCAL_FIELD], fields[REMOTE_FIELD]) == wanted:
            return int(fields[OWNER_FIELD]) if fields[STATE_FIELD] == ESTABLISHED else None
    return None


def _as_listed(address: Address) -> str:
    """Return an address as the table has it: the kernel prints the four bytes as one number of this machine."""
    host, port = address
    number = struct.unpack("=I", socket.inet_aton(host))[0]
    return f"{number:08X}:{port:04X}"
