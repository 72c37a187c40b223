"""Remember: states that cannot be computed again."""
