"""The network broker: the only way from a plugin to a network, and the only process that decides about it.

A plugin lives in an empty network namespace. Its ``connect``, ``bind``, ``listen`` and ``sendto`` calls are handed to
this process by the kernel (seccomp user notification); every one of them is answered from copies that the plugin
cannot change, and none is ever let through ("continue" is not used). ::

    addresses   what a socket address means, and whether it is public
    names       which granted name resolved to which address
    judge       grants + names + address -> verdict, pure
    dns, stub   the name server inside the plugin's namespace: granted names only, public addresses only
    notify      the kernel's interface: receive, copy, inject, answer
    states      what a plugin's socket says about itself
    calls       what happens for each call
    replacing   the host's sockets in the place of the plugin's, once they are connected
    relay       UDP: datagrams are read inside the namespace and sent from outside
    session     one plugin: one thread, so that no plugin waits for another
    process     the broker's own process

When this process ends, the kernel answers the calls with ENOSYS: no broker, no network.
"""
