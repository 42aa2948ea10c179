"""Which plugins run: start, watch, start again, replace, stop.

============== =================================================================
``supervisor`` what the plugin manager asks for
``admission``  whether a plugin may be started
``starting``   start one after what it needs, or all that are enabled
``roster``     which run a name leads to, and how it is
``runs``       one run: its process, and what is heard of it
``health``     how it is, asked again and again
``recovery``   started again after a crash; ``restarts`` has the rule
``reloading``  replaced by a new process without losing a call
``in_place``   reloaded in the process that runs
``ending``     asked to stop, and killed when it does not
``ordering``   what needs what
``timers``     what passes the time
============== =================================================================
"""
