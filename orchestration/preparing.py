"""What the installation does once, that a first run need not: `python -m orchestration.preparing`."""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from io import StringIO

from orchestration.reporting.scripts import chart_scripts
from orchestration.settings import enter, home
from orchestration.stages.engines import load_engines


def main() -> None:
    """Parse the models (10 s), compile the patterns (3 s) and put the report's scripts together (1 s)."""
    enter(home())
    load_engines()
    chart_scripts(home().scripts)
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        from orchestration.definitions import defs  # parses as it is imported

        defs()


if __name__ == "__main__":
    main()
