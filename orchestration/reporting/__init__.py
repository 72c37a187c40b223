"""The status report and the last screen of a run, both from the marts."""
