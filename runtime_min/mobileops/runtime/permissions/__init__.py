"""What a plugin may do, in words: the compiled policy explained, two manifests compared, and what was really used.

``explanation`` reads a `SandboxPolicy`, the one that the launcher gets; ``difference`` compares permissions with the
relation `covers`; ``usage`` joins permissions with the audit log. All are pure: nothing is started or enforced here.
"""
