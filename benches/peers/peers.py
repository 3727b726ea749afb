"""Asks DuckDB and ClickHouse what Headwater is asked, over the same events.

One JSON request on standard input, one JSON answer on standard output: for each engine and layout the rows of
every answer and the times of its runs. The events come from the lake's own Parquet files. Tables are kept in
the folder for the next run.
"""

import datetime
import json
import os
import shutil
import statistics
import sys
import time

import duckdb
from chdb import session

import questions

# What a person is asked about is cut after so long, for the engines that are slow at it.
PEOPLE_SECONDS = 12
EPOCH = datetime.datetime(1970, 1, 1)


def main():
    request = json.load(sys.stdin)
    engines = []
    for engine in duck_engines(request) + click_engines(request):
        tell(f"{engine['name']} …")
        engines.append(asked(engine, request))
    json.dump({"engines": engines, "free": free(request)}, sys.stdout)


def tell(text):
    print(text, file=sys.stderr, flush=True)


def asked(engine, request):
    answers = {}
    for name, texts in engine["texts"].items():
        if name not in request["questions"]:
            continue
        if name == "Q7":
            answers[name] = people(engine["run"], texts, request["people"])
            continue
        best = None
        for number, text in enumerate(texts):
            found = timed(engine["run"], text, request["runs"])
            found["text"] = number
            if best is not None and found["rows"] != best["rows"]:
                raise SystemExit(f"{engine['name']}: the texts of {name} have different answers")
            if best is None or found["ms"] < best["ms"]:
                best = found
        answers[name] = best
    return {"name": engine["name"], "bytes": engine["bytes"], "answers": answers}


def timed(run, text, runs):
    """The median of warm runs."""
    start = time.perf_counter()
    rows = sorted(plain(run(text)), key=str)
    first = time.perf_counter() - start
    times = []
    # What takes seconds is not repeated for minutes.
    for _ in range(runs if first < 3 else min(runs, 5)):
        start = time.perf_counter()
        run(text)
        times.append((time.perf_counter() - start) * 1000)
    return {"rows": rows, "ms": statistics.median(times), "runs": len(times)}


def people(run, text, parties):
    rows, times, begun = [], [], time.perf_counter()
    for warm in (parties[0], *parties):
        start = time.perf_counter()
        found = run(text, warm)
        took = (time.perf_counter() - start) * 1000
        if warm != parties[0] or times or rows:
            times.append(took)
        found = list(found)
        rows.append([warm, len(found), sum(int(row[0]) for row in found)])
        if time.perf_counter() - begun > PEOPLE_SECONDS and len(times) >= 20:
            break
    times.sort()
    return {
        "rows": rows[1:],
        "ms": times[len(times) // 2],
        "p99": times[min(len(times) - 1, int(len(times) * 0.99))],
        "runs": len(times),
    }


def plain(rows):
    return [[cell if isinstance(cell, (str, type(None))) else int(cell) for cell in row] for row in rows]


def free(request):
    """Plain SQL over the Parquet files."""
    connection = duck(request, ":memory:")
    view(connection, request)
    found = {}
    for name, text in questions.FREE.items():
        answer = timed(lambda text: connection.execute(text).fetchall(), text, request["runs"])
        answer["sql"] = text
        found[name] = answer
    return found


# ── DuckDB ──────────────────────────────────────────────────────────────────


def duck(request, place):
    connection = duckdb.connect(place)
    connection.execute(f"set threads = {request['threads']}")
    connection.execute("set timezone = 'UTC'")
    connection.execute("set memory_limit = '8GB'")
    connection.execute("set preserve_insertion_order = true")
    return connection


def view(connection, request):
    connection.execute(
        f"create view events as select * from read_parquet('{request['parquet']}', hive_partitioning = true)"
    )


LAYOUTS = {
    "party, ts": "party, ts",
    "event, party, ts": "event, party, ts",
    "week, event, party, ts": "date_trunc('week', ts), event, party, ts",
}


def instant(zone):
    def text(micros):
        moment = EPOCH + datetime.timedelta(microseconds=micros)
        return f"{zone} '{moment}{'+00' if zone == 'timestamptz' else ''}'"

    return text


def duck_engines(request):
    engines = []
    for layout, order in LAYOUTS.items():
        place = os.path.join(request["folder"], f"duckdb-{order.split(',')[0].split('(')[0]}.db")
        if not os.path.exists(place):
            tell(f"loading DuckDB ({layout}) …")
            load_duck(request, place, order)
        connection = duck(request, place)
        q = questions.Texts("e", "party", "ts", instant("timestamp"), lambda ts: f"epoch_us({ts})", request["until"])
        engines.append(duck_engine(f"DuckDB, own table ({layout})", connection, q, os.path.getsize(place)))
    connection = duck(request, ":memory:")
    view(connection, request)
    q = questions.Texts(
        "events", "party_no", "time", instant("timestamptz"), lambda ts: f"epoch_us({ts})", request["until"]
    )
    engines.append(duck_engine("DuckDB, the lake's Parquet", connection, q, 0))
    return engines


def duck_engine(name, connection, q, size):
    def run(text, *values):
        return connection.execute(text, list(values)).fetchall()

    return {"name": name, "run": run, "texts": questions.duckdb(q), "bytes": size}


def load_duck(request, place, order):
    part = place + ".part"
    for rest in (part, part + ".wal"):
        if os.path.exists(rest):
            os.remove(rest)
    connection = duck(request, part)
    view(connection, request)
    events = [row[0] for row in connection.execute("select distinct event from events order by 1").fetchall()]
    names = ", ".join(f"'{name}'" for name in events)
    connection.execute(f"create type event_name as enum ({names})")
    connection.execute(
        f"""create table e as select party_no party, time at time zone 'UTC' ts, event::event_name event,
        channel, sku, amount from events order by {order}"""
    )
    connection.execute("checkpoint")
    connection.close()
    os.rename(part, place)


# ── ClickHouse ──────────────────────────────────────────────────────────────

TABLES = {
    "party": ("party, ts", "", "party, ts"),
    "event": ("event, party, ts", "", "event, party, ts"),
    "week": ("by week, event, party, ts", "partition by toMonday(ts)", "event, party, ts"),
}


def click_engines(request):
    place = os.path.join(request["folder"], "clickhouse")
    mark = os.path.join(place, "loaded")
    is_loaded = os.path.exists(mark)
    if not is_loaded:
        shutil.rmtree(place, ignore_errors=True)
    chdb = session.Session(place)

    def run(text, *values):
        settings = f" settings max_threads = {request['threads']}"
        answer = chdb.query(text.format(*values) + settings if values else text + settings, "JSONCompact")
        return json.loads(str(answer))["data"]

    if not is_loaded:
        load_click(chdb, request)
        with open(mark, "w") as file:
            file.write("1")

    def at(micros):
        moment = EPOCH + datetime.timedelta(microseconds=micros)
        return f"toDateTime64('{moment}', 6, 'UTC')"

    engines = []
    for table, (layout, _, _) in TABLES.items():
        q = questions.Texts(
            f"bench.{table}", "party", "ts", at, lambda ts: f"toUnixTimestamp64Micro({ts})", request["until"]
        )
        size = run(f"select sum(bytes_on_disk) from system.parts where active and database = 'bench' and table = '{table}'")
        engines.append(
            {
                "name": f"ClickHouse, MergeTree ({layout})",
                "run": numbers(run),
                "texts": questions.clickhouse(q),
                "bytes": int(size[0][0]),
            }
        )
    return engines


def numbers(run):
    """64-bit integers come as texts."""

    def cell(value):
        return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value

    return lambda text, *values: [[cell(value) for value in row] for row in run(text, *values)]


def load_click(chdb, request):
    chdb.query("create database if not exists bench")
    for table, (layout, partition, order) in TABLES.items():
        tell(f"loading ClickHouse ({layout}) …")
        chdb.query(
            f"""create table bench.{table} (party UInt32, ts DateTime64(6, 'UTC'), event LowCardinality(String),
            channel LowCardinality(String), sku LowCardinality(String), amount Decimal(18, 4))
            engine = MergeTree {partition} order by ({order})
            settings compress_marks = 1"""
        )
        # Week by week, so that no sort needs much memory.
        for folder in sorted({os.path.dirname(path) for path in files(request["parquet"])}):
            chdb.query(
                f"""insert into bench.{table} select party_no, time, event, channel, ifNull(sku, ''), ifNull(amount, 0)
                from file('{folder}/*.parquet', Parquet, 'party_no Int32, time DateTime64(6, \\'UTC\\'), event String,
                channel String, sku Nullable(String), amount Nullable(Decimal(18, 4))')
                settings max_threads = {request['threads']}, max_insert_threads = 1"""
            )
        chdb.query(f"optimize table bench.{table} final")


def files(pattern):
    import glob

    return glob.glob(pattern)


if __name__ == "__main__":
    main()
