"""Untrusted Parquet files. A small one can decompress to more than fits in memory; its footer gives the size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curate.rows import CurateError
from curate.sources.mapping import Refused

Record = dict[str, Any]
LARGEST_GROUP = 2**30
"""Bytes of a row group, opened out; writers make them a tenth of that."""
MOST_VALUES = 50_000_000
"""Of a column in a row group; entries of lists count one by one."""
MOST_ROWS = 50_000_000
LARGEST_ROW = 32 * 2**20
"""Characters of its texts together."""


def read_parquet(path: Path) -> Iterator[tuple[str, Record | Refused]]:
    """Yield (place, record) for every row.

    Raises:
        CurateError: it is no Parquet file, or one that opens out to too much.
    """
    # Imported here: it takes a while, and most files are not Parquet.
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check(path, file.metadata)
        # Texts that repeat stay one text each, as in the file, until their row is looked at.
        texts = [field.name for field in file.schema_arrow if pyarrow.types.is_string(field.type)]
        file = pyarrow.parquet.ParquetFile(path, read_dictionary=texts)
        number = 0
        for batch in file.iter_batches(batch_size=1000):
            for record in _records(batch):
                number += 1
                yield f"{path.name}:{number}", record
    except (pyarrow.ArrowException, OverflowError, UnicodeDecodeError) as error:
        raise CurateError(f"{path} is not readable as Parquet: {_first_line(error)}") from error


def _check(path: Path, footer: Any) -> None:
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    values = max((group.column(n).num_values for group in groups for n in range(group.num_columns)), default=0)
    opened = max((group.total_byte_size for group in groups), default=0)
    if footer.num_rows > MOST_ROWS or values > MOST_VALUES or opened > LARGEST_GROUP:
        raise CurateError(
            f"{path} would open out to {footer.num_rows:,} rows, with up to {values:,} values and {opened:,} bytes "
            "in one group; write it again in smaller row groups, or as JSON lines"
        )


def _records(batch: Any) -> Iterator[Record | Refused]:
    # Row by row: one broken text spoils its own row alone, and no more than one is opened out at a time.
    for place in range(batch.num_rows):
        try:
            row = batch.slice(place, 1)
            if _characters(row) > LARGEST_ROW:
                yield Refused(rule="gigantic_field", detail=f"a row of more than {LARGEST_ROW // 2**20} MB")
            else:
                yield row.to_pylist()[0]
        except UnicodeDecodeError as error:
            yield Refused(rule="broken_utf8", detail=f"byte {error.start} of a text")


def _characters(row: Any) -> int:
    """How long the repeated texts of a one-row batch are, which it only refers to."""
    import pyarrow

    found = 0
    for column in row.columns:
        if pyarrow.types.is_dictionary(column.type) and column[0].is_valid:
            found += len(column.dictionary[column.indices[0].as_py()].as_buffer() or b"")
    return found


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:150]
