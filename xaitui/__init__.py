"""A training console for the terminal: choose, train, watch, leave, come back, compare, explain."""

__version__ = "0.1.0"
