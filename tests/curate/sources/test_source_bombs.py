"""Small files that open out to more than memory holds are refused before they do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.rows import CurateError
from curate.sources import files, parquet
from curate.sources.files import read_records
from curate.sources.mapping import Refused


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd", dictionary_pagesize_limit=2**30)
    assert path.stat().st_size < 2_000
    return path


def repeated(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))


def test_a_text_that_repeats_is_opened_out_row_by_row(tmp_path: Path) -> None:
    """A thousand rows at once, as Parquet is usually read, would be 4 GB."""
    before = pa.total_allocated_bytes()
    records = read_records(write(tmp_path / "a.parquet", question=repeated("x" * 4_000_000, 5_000)))
    for _ in range(20):
        _, record = next(records)
        assert not isinstance(record, Refused) and len(record["question"]) == 4_000_000
    assert pa.total_allocated_bytes() - before < 100_000_000


def test_a_gigantic_text_is_refused_by_its_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", question=repeated("x" * (parquet.LARGEST_ROW + 1), 3))
    assert [record.rule for _, record in read_records(path) if isinstance(record, Refused)] == ["gigantic_field"] * 3


@pytest.mark.parametrize(
    ("bound", "most"), [("MOST_VALUES", 200_000), ("LARGEST_GROUP", 300_000), ("MOST_ROWS", 299_999)]
)
def test_what_the_footer_tells_is_enough_to_refuse(
    bound: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"question": ["x"] * 300_000}), path, use_dictionary=False, compression="zstd")
    assert path.stat().st_size < 5_000
    next(read_records(path))
    monkeypatch.setattr(parquet, bound, most)
    with pytest.raises(CurateError, match="would open out to 300,000 rows"):
        next(read_records(path))


def test_a_table_of_text_is_bounded_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question,answer\n" + "x,y\n" * 1_000)
    monkeypatch.setattr(files, "LARGEST_JSON", 1_000)
    with pytest.raises(CurateError, match="is a table of more than"):
        next(read_records(path))
