"""Classic BPF as the kernel's system call filter runs it: instructions, what they return, and their layout.

A program is a list of instructions over ``struct seccomp_data`` (number, architecture, instruction pointer, six
arguments of 64 bits). Jumps count the instructions that are passed over. Sources: linux/filter.h, linux/seccomp.h.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final, NamedTuple

ALLOW: Final = 0x7FFF0000
KILL_PROCESS: Final = 0x80000000
ERRNO: Final = 0x00050000
USER_NOTIFY: Final = 0x7FC00000

LOAD: Final = 0x20
AND: Final = 0x54
JUMP_IF_EQUAL: Final = 0x15
JUMP_IF_GREATER: Final = 0x25
JUMP_IF_SET: Final = 0x45
RETURN: Final = 0x06

#: Offsets in struct seccomp_data.
NUMBER_OFFSET: Final = 0
ARCHITECTURE_OFFSET: Final = 4
ARGUMENTS_OFFSET: Final = 16


class Instruction(NamedTuple):
    """One instruction of classic BPF (``struct sock_filter``)."""

    code: int
    jump_true: int
    jump_false: int
    value: int


class Filter(NamedTuple):
    """A program in the form the kernel takes; ``memory`` keeps alive what ``header`` points to."""

    header: bytes
    memory: ctypes.Array[ctypes.c_char]


def refuse(number: int) -> Instruction:
    """Return the instruction that ends a call with an error."""
    return Instruction(RETURN, 0, 0, ERRNO | number)


PASS: Final = Instruction(RETURN, 0, 0, ALLOW)
ASK: Final = Instruction(RETURN, 0, 0, USER_NOTIFY)


def when(value: int, answer: Instruction) -> tuple[Instruction, Instruction]:
    """Return what ends with an answer when the loaded value is this one, and goes on otherwise."""
    return Instruction(JUMP_IF_EQUAL, 0, 1, value), answer


def argument(position: int, *, upper_half: bool = False) -> Instruction:
    """Return what loads one half of an argument, the lower one unless asked otherwise."""
    return Instruction(LOAD, 0, 0, ARGUMENTS_OFFSET + 8 * position + (4 if upper_half else 0))


def assemble(code: list[Instruction]) -> Filter:
    """Lay out a program as ``struct sock_fprog``."""
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    memory = ctypes.create_string_buffer(packed, len(packed))
    return Filter(header=struct.pack("@HP", len(code), ctypes.addressof(memory)), memory=memory)
