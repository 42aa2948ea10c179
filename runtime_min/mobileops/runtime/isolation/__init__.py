"""Isolation of plugin processes on Linux: pure policy on one side, kernel mechanisms on the other.

``policy`` turns a manifest into a `SandboxPolicy` without asking the operating system anything. ``sandbox`` applies
such a policy to the calling process, in a fixed order, with the mechanisms of ``namespaces``, ``mounts``, ``limits``,
``credentials``, ``landlock`` and ``seccomp``, whose program is written in the words of ``bpf``. ``cgroups`` holds the
limits of a plugin as a whole, where ``cgroup_hierarchies`` finds a place for it. ``rootfs`` lists what the zygote's
file system contains, ``probe`` tries every mechanism in throw-away children, and ``refusal`` says what is missing and
how to get it.

Each mechanism alone leaks, so all of them are used, and a host that lacks one is refused. The one weaker level, `bare`,
is for operators who ask for it.
"""
