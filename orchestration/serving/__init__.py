"""What readers get: one masked copy of the marts per role, and locked sessions to query it."""
