"""Reads a lake's `events` with engines that are not ours and prints what each of them counts.

Usage: engines.py <path of the lake>
Prints one line per engine: name, events, sum of `total`, earliest time, events of 2026-11-09's week.
Needs the packages deltalake, polars and chdb. DuckDB is left out: its Delta extension is a download.
"""

import datetime
import os
import sys

table = sys.argv[1] + "/events"
week = datetime.date(2026, 11, 9)


def delta_rs():
    import polars
    from deltalake import DeltaTable

    rows = polars.from_arrow(DeltaTable(table).to_pyarrow_table())
    return of_frame(rows)


def polars_native():
    import polars

    return of_frame(polars.scan_delta(table).collect())


def of_frame(rows):
    return len(rows), rows["total"].sum(), rows["time"].min(), (rows["week"] == week).sum()


def clickhouse():
    os.chdir("/")  # ClickHouse reads nothing outside its directory.
    import chdb

    query = (
        "SELECT count(), sum(total), toString(min(toTimeZone(time, 'UTC'))),"
        f" countIf(toString(week) = '{week}') FROM deltaLakeLocal('{table}')"
    )
    count, total, first, of_week = str(chdb.query(query, "TSV")).strip().split("\t")
    return int(count), total, datetime.datetime.fromisoformat(first + "+00:00"), int(of_week)


for name, read in (("delta-rs", delta_rs), ("polars", polars_native), ("clickhouse", clickhouse)):
    count, total, first, of_week = read()
    print(name, count, f"{float(total):.4f}", int(first.timestamp() * 1_000_000), of_week)
