"""New stores in a moment: copies of one that was made, with all its migrations, once in this process."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from store.database import open_store


def new_store(path: Path) -> Engine:
    """Returns an engine on a new store at the path."""
    path.write_bytes(_empty_store())
    return open_store(str(path))


@lru_cache(maxsize=1)
def _empty_store() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        open_store(str(path)).dispose()
        return path.read_bytes()
