"""Reads an export and does nothing with it: the yardstick of every other figure.

    python -m tests.benchmarks.bare_read FILE HEADER...

Prints the seconds that the read alone took.
"""

import sys
import time

import pyarrow as pa
import pyarrow.csv


def main() -> None:
    """Reads the named columns as plain text with pyarrow's defaults, in all its threads."""
    path, *headers = sys.argv[1:]
    begun = time.perf_counter()
    pa.csv.read_csv(
        path,
        convert_options=pa.csv.ConvertOptions(
            include_columns=headers, column_types=dict.fromkeys(headers, pa.string())
        ),
    )
    sys.stdout.write(f"{time.perf_counter() - begun:.4f}\n")


if __name__ == "__main__":
    main()
