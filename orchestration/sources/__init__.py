"""Connectors: one module per system behind one protocol; each turns files or pages into records in landing shape."""
