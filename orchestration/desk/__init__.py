"""The steward's desk: what waits for a decision, and how it is taken."""
