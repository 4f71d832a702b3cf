"""The version, in a module of its own so that results can state it without a circular import."""

__version__ = "0.1.0"
