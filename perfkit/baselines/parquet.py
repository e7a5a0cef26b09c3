"""Results as Parquet, for engines that hold more than one machine's memory."""

from pathlib import Path

import numpy as np

from perfkit.baselines.collection import Collection
from perfkit.baselines.columns import NONE, UNITS, State, benchmark_of
from perfkit.baselines.descriptions import UnitOf
from perfkit.errors import UsageError


def export_parquet(collection: Collection, folder: Path, *, unit_of: UnitOf) -> int:
    """Write every result below ``folder``, partitioned by machine and year; return the rows.

    Columns: machine and year (in the folders' names, Hive style), environment, commit, date (the
    author's, UTC), run, dirty, benchmark, params, unit, state, value (what histories use; null
    where there is none), result (asv's), version, outcome, samples. Partitions that are written
    replace those of an earlier export. Raises UsageError where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.dataset as ds
    except ImportError as error:
        raise UsageError(
            "Parquet is written with pyarrow, which is not installed: pip install"
            " 'perfkit[parquet]'."
        ) from error
    file = collection.file_of_row()
    texts = pa.array(collection.texts)

    def text(column: np.ndarray) -> "pa.Array":
        indices = pa.array(column, mask=column == NONE)
        return pa.DictionaryArray.from_arrays(indices, texts)

    names = [benchmark_of(one) for one in collection.texts]
    benchmark = collection.column("benchmark")
    level = collection.column("level")
    units = np.array(
        [
            str(UNITS[unit] or unit_of(names[key].name))
            for unit, key in zip(collection.column("unit"), benchmark, strict=True)
        ]
    )
    counts = collection.column("samples")
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    date = collection.column("date")[file]
    table = pa.table(
        {
            "machine": text(collection.column("machine")[file]).cast(pa.string()),
            "year": pa.array(
                date.astype("datetime64[ms]").astype("datetime64[Y]").astype(int)
            ).cast(pa.int32()),
            "environment": text(collection.column("environment")[file]),
            "commit": text(collection.column("commit")[file]),
            "date": pa.array(date.astype("datetime64[ms]")).cast(pa.timestamp("ms", tz="UTC")),
            "run": text(collection.column("identity")[file]),
            "dirty": pa.array(collection.column("dirty")[file].astype(bool)),
            "benchmark": pa.DictionaryArray.from_arrays(
                pa.array(benchmark), pa.array([one.name for one in names])
            ),
            "params": pa.array([names[key].params for key in benchmark], pa.list_(pa.string())),
            "unit": pa.array(units),
            "state": pa.array([State(one).name.lower() for one in collection.column("state")]),
            "value": pa.array(level, mask=np.isnan(level)),
            "result": pa.array(collection.column("result")),
            "version": text(collection.column("version")),
            "outcome": text(collection.column("outcome")),
            "samples": pa.ListArray.from_arrays(offsets, pa.array(collection.column("sample"))),
        }
    )
    year = table.column("year")
    table = table.set_column(1, "year", pc.add(year, 1970))
    ds.write_dataset(
        table,
        folder,
        format="parquet",
        partitioning=ds.partitioning(
            pa.schema([("machine", pa.string()), ("year", pa.int32())]), flavor="hive"
        ),
        existing_data_behavior="delete_matching",
    )
    return int(table.num_rows)
