"""The version of xaitui."""

__version__ = "0.1.0"
