"""What is allowed, and who answers for it: policies a steward edits, and the code that enforces them."""
