"""Invigil: a desktop lockdown proctoring client."""

__version__ = "0.1.0"
