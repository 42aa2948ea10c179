"""One rule a module: ``CODE``, and ``check(source)``, which yields findings.

The first line of each module's docstring says what the rule demands.
"""
