"""Topics of events are dotted names; a pattern is a topic, or ends in ``.*``, or is a lone ``*``.

``device.*`` stands for every topic below ``device`` at any depth, not for ``device`` itself; ``*`` for every topic.
Without imports: the plugin's side uses it too.
"""

from __future__ import annotations


def covers(pattern: str, narrower: str) -> bool:
    """Tell whether every topic of ``narrower``, which may be a topic or a pattern, is one of ``pattern``."""
    return pattern in {"*", narrower} or (pattern.endswith(".*") and narrower.startswith(pattern[:-1]))
