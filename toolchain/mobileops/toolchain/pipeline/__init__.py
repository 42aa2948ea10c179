"""The order of the stages; no other package knows it.

Each module is one way through them, and imports the stages of that way alone: packaging does not pay for signing.
"""
