"""Report: the status page."""
