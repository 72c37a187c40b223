"""The stages in plain Python: each reads the state before it, calls one pure function and replaces its own."""
