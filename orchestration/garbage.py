"""Python's garbage collector, kept from looking again and again through what is no garbage."""

import gc


def collect_seldom() -> None:
    """Leave alone what this process has by now, and look at what comes only once it is fifty thousand objects.

    Measured with what stays for good, such as modules, records and dbt's manifest: an eighth of receiving, 3 % of a run
    in dbt alone.
    """
    gc.freeze()
    gc.set_threshold(50_000)
