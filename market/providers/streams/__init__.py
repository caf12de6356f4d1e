"""Streams of quotes: what a provider pushes, without being asked each time."""
