"""Tables of a dataset are written while they grow."""

from pathlib import Path

import pyarrow as pa

from store.export_tables import ROW_GROUP, Tables, messages


def test_rows_that_are_written_leave_the_memory(tmp_path: Path) -> None:
    """Once the first row of the next row group kept the ten thousand before it in memory, in each of 26 files."""
    tables, before = Tables(tmp_path), pa.total_allocated_bytes()
    texts = pa.array([f"{number:01000}" for number in range(ROW_GROUP + 1)])
    tables.extend("sft", "train", [messages("user", texts), messages("assistant", texts)])
    size = texts.nbytes  # more than what a writer keeps
    del texts
    assert pa.total_allocated_bytes() - before < size
    tables.close()
    assert tables.counts() == {"sft/train.parquet": ROW_GROUP + 1}
