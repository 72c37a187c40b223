"""Alert: stale, never arrived, recovered."""
