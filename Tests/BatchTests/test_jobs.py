"""The jobs' programs by themselves: python test_jobs.py <folder of the programs>"""

import concurrent.futures
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

JOBS = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else os.environ["JOBS"]
sys.path.insert(0, JOBS)
os.environ["JOBS"] = JOBS

import archive  # noqa: E402
import compact  # noqa: E402
import compare  # noqa: E402
import lake  # noqa: E402
import options_flow  # noqa: E402
import records  # noqa: E402
import sentiment_trends  # noqa: E402
import tasks  # noqa: E402
from make_archive import MINUTE, bar, fill, put  # noqa: E402
from store import Folder, Missing, open_store  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def run(folder, job, *arguments, **environment):
    """The program as the runner starts it: its exit code and its events."""
    done = subprocess.run(
        [sys.executable, os.path.join(JOBS, "batch.py"), "--object-store", f"file://{folder}", "--dask-n-workers", "2",
         *arguments], input=json.dumps(job).encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        env={**os.environ, "DASK_ENABLED": "false", **environment})
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def hashes(folder):
    """Of every part, by its name."""
    found = {}
    for top, _, names in os.walk(os.path.join(folder, "lake")):
        for name in names:
            if "/date=" in top:
                with open(os.path.join(top, name), "rb") as file:
                    found[os.path.relpath(os.path.join(top, name), folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


class Resolving(unittest.TestCase):
    def test_the_last_version_holds_whatever_the_order(self):
        rows = [bar("A", minute, revision=0) for minute in range(20)]
        rows += [bar("A", minute, revision=1, known=5, close=7.25) for minute in range(0, 20, 3)]
        expected = None
        for seed in range(30):
            random.Random(seed).shuffle(rows)
            table, lines = records.resolved([json.dumps(row).encode() for row in rows], records.BARS)
            seen = table.to_pylist()
            self.assertEqual([row["start_ns"] for row in seen], sorted(row["start_ns"] for row in seen))
            self.assertEqual(len(seen), 20)
            for index, row in enumerate(seen):
                self.assertEqual(row["revision"], 1 if index % 3 == 0 else 0)
                self.assertEqual(json.loads(lines[index])["start_ns"], row["start_ns"])
            expected = expected or lake.parquet(table)
            self.assertEqual(lake.parquet(table), expected)

    def test_of_equal_versions_the_later_produced_holds(self):
        rows = [bar("A", 0, close=1), bar("A", 0, close=2)]
        table, _ = records.resolved([json.dumps(row).encode() for row in rows], records.BARS)
        self.assertEqual(str(table.to_pylist()[0]["close"].normalize()), "2")

    def test_decimals_keep_their_digits(self):
        row = dict(bar("A", 0))
        text = json.dumps(row).replace('"close": 100.0', '"close": 9223372036.854775807')
        table, _ = records.resolved([text.encode()], records.BARS)
        self.assertEqual(str(table.to_pylist()[0]["close"].normalize()), "9223372036.854775807")

    def test_withdrawn_records_are_gone(self):
        rows = [{"event_id": "x", "revision": 1, "status": "reported", "first_ns": 1},
                {"event_id": "x", "revision": 2, "status": "withdrawn", "first_ns": 1},
                {"event_id": "y", "revision": 1, "status": "reported", "first_ns": 2}]
        table, lines = records.resolved([json.dumps(row).encode() for row in rows], records.FLOW)
        self.assertEqual(table.column("event_id").to_pylist(), ["y"])
        self.assertEqual(len(lines), 1)

    def test_days_are_those_of_new_york_also_when_clocks_change(self):
        days = records.Days()
        for date in ("2026-03-07", "2026-03-08", "2026-11-01"):
            start, end = records.midnight(date), records.midnight(records.next_day(date))
            for each in range(start, end, 20 * MINUTE):
                self.assertEqual(days.date(each), date)


class Compacting(unittest.TestCase):
    JOB = {"job_id": "j", "kind": "compact", "submitted_ns": 5}

    def test_what_is_open_at_the_boundary_is_left_to_the_live_layer(self):
        with tempfile.TemporaryDirectory() as folder:
            fill(folder, ["A"], ["2026-03-05"])
            code, events, errors = run(folder, {**self.JOB, "parameters": {"lateness": "90s"}})
            self.assertEqual(code, 0, errors)
            dataset = lake.Dataset(Folder(folder), "bars")
            manifest = dataset.current()
            [boundary] = manifest["boundaries"]
            [part] = manifest["parts"]
            newest = max(json.loads(line)["start_ns"] for line in every_line(folder))
            until = boundary["covers"][-1]["until_ns"]
            self.assertEqual(until, newest - 90 * 10**9)
            kept = [json.loads(line) for line in archive.lines(dataset.store, part["lines"])]
            self.assertTrue(all(row["start_ns"] + MINUTE <= until for row in kept))
            everything = {json.loads(line)["start_ns"] for line in every_line(folder)}
            self.assertEqual({row["start_ns"] for row in kept},
                             {start for start in everything if start + MINUTE <= until})
            self.assertEqual(events[-1]["boundaries"], [{"symbol": "A", "until_ns": until}])

    def test_a_date_of_which_nothing_is_complete_yet_has_no_part(self):
        with tempfile.TemporaryDirectory() as folder:
            fill(folder, ["A"], ["2026-03-05"])
            # The first minutes of the next day: all of them within the lateness.
            put(folder, "A", "2026-03-06", [bar("A", minute, records.midnight("2026-03-06") + 570 * MINUTE)
                                            for minute in range(3)], offset=5_000)
            code, events, errors = run(folder, {**self.JOB, "parameters": {"lateness": "10m"}})
            self.assertEqual(code, 0, errors)
            manifest = lake.Dataset(Folder(folder), "bars").current()
            self.assertEqual([part["date"] for part in manifest["parts"]], ["2026-03-05"])
            self.assertEqual(records.day_of(manifest["boundaries"][0]["covers"][-1]["until_ns"]), "2026-03-06")

    def test_a_run_that_is_broken_off_resumes_with_the_inputs_it_began_with(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
            fill(folder, ["A", "B"], ["2026-03-05", "2026-03-06", "2026-03-09"])
            fill(other, ["A", "B"], ["2026-03-05", "2026-03-06", "2026-03-09"])
            self.assertEqual(run(other, self.JOB)[0], 0)
            store = Folder(folder)
            dataset, made_by = lake.Dataset(store, "bars"), tasks.code()
            job = {"symbols": [], "parameters": {}, **self.JOB}
            plan = dataset.plan(tasks.place("j-5", made_by),
                                lambda: {"code": made_by, **compact.plan(job, store, None)})
            tasks.run_task(f"file://{folder}", job, "j-5", made_by, plan["tasks"][1])
            # What comes meanwhile is for the next run.
            put(folder, "A", "2026-03-05", [bar("A", 0, known=99, revision=9, close=1)], offset=900)
            code, events, errors = run(folder, self.JOB)
            self.assertEqual(code, 0, errors)
            self.assertEqual((events[0]["done"], events[0]["total"]), (1, 3))
            self.assertEqual(hashes(folder), hashes(other))
            code, events, _ = run(folder, {**self.JOB, "submitted_ns": 6})
            self.assertEqual((code, events[0]["total"]), (0, 1))
            first = records.resolved(archive.lines(store, dataset.current()["parts"][0]["lines"]), records.BARS)[0]
            self.assertEqual(first.column("revision").to_pylist()[0], 9)

    def test_a_run_that_was_published_is_not_published_again(self):
        with tempfile.TemporaryDirectory() as folder:
            fill(folder, ["A"], ["2026-03-05"])
            first, again = run(folder, self.JOB), run(folder, self.JOB)
            self.assertEqual((first[0], again[0]), (0, 0))
            self.assertEqual(first[1][-1]["manifest"], again[1][-1]["manifest"])
            self.assertEqual(len(Folder(folder).list("lake/bars/current/")), 1)

    def test_workers_in_any_number_give_the_same_bytes(self):
        seen = []
        for workers in ("1", "3"):
            with tempfile.TemporaryDirectory() as folder:
                fill(folder, ["A", "BRK.B"], ["2026-03-05", "2026-03-06"])
                self.assertEqual(run(folder, self.JOB, "--dask-n-workers", workers)[0], 0)
                seen.append(hashes(folder))
        self.assertTrue(seen[0])
        self.assertEqual(seen[0], seen[1])

    def test_an_empty_archive_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            code, events, _ = run(folder, self.JOB)
            self.assertEqual((code, events[-1]["event"], events[-1]["reason"]), (65, "failed", "no_input"))

    def test_unknown_parameters_of_a_job_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            fill(folder, ["A"], ["2026-03-05"])
            for parameters in ({"dataset": "nothing"}, {"lateness": "soon"}):
                code, events, _ = run(folder, {**self.JOB, "parameters": parameters})
                self.assertEqual((code, events[-1]["event"]), (65, "failed"))


class Publishing(unittest.TestCase):
    def publish(self, dataset, run, parts, boundaries=()):
        return dataset.publish({"job_id": run, "kind": "compact"}, run, {"schema": "s", "code": "c" * 64, "inputs": []},
                               parts, boundaries)

    def part(self, store, date, run, rows=1):
        key = f"lake/d/date={date}/symbol=A/{run}.parquet"
        store.create(key, run.encode())
        return {"key": key, "date": date, "symbol": "A", "rows": rows, "bytes": 1, "sha256": "0", "min_ns": 0,
                "max_ns": 0, "run": run}

    def test_a_manifest_goes_on_from_the_one_before(self):
        with tempfile.TemporaryDirectory() as folder:
            store = Folder(folder)
            dataset = lake.Dataset(store, "d")
            self.publish(dataset, "one", [self.part(store, "2026-01-01", "one")], [["A", 0, 10]])
            self.publish(dataset, "two", [self.part(store, "2026-01-02", "two")], [["A", 10, 20]])
            self.publish(dataset, "three", [self.part(store, "2026-01-01", "three")], [["A", 30, 40], ["B", 5, 6]])
            manifest = dataset.current()
            self.assertEqual([part["run"] for part in manifest["parts"]], ["three", "two"])
            self.assertEqual(manifest["boundaries"], [
                {"symbol": "A", "covers": [{"from_ns": 0, "until_ns": 20}, {"from_ns": 30, "until_ns": 40}]},
                {"symbol": "B", "covers": [{"from_ns": 5, "until_ns": 6}]}])
            self.assertEqual(manifest["sequence"], 3)

    def test_a_writer_that_comes_second_goes_on_from_the_first(self):
        with tempfile.TemporaryDirectory() as folder:
            store = Folder(folder)
            slow, fast = lake.Dataset(store, "d"), lake.Dataset(store, "d")
            read = slow.pointer
            calls = []

            def late():
                found = read()
                if not calls:
                    calls.append(1)
                    self.publish(fast, "fast", [self.part(store, "2026-01-01", "fast")])
                return found

            slow.pointer = late
            manifest, pointer = self.publish(slow, "slow", [self.part(store, "2026-01-02", "slow")])
            self.assertEqual(pointer["sequence"], 2)
            self.assertEqual([part["run"] for part in manifest["parts"]], ["fast", "slow"])
            self.assertEqual(len(store.list("lake/d/manifests/")), 2)

    def test_retention_removes_what_only_old_manifests_name(self):
        with tempfile.TemporaryDirectory() as folder:
            store = Folder(folder)
            dataset = lake.Dataset(store, "d")
            store.create("lake/d/date=2026-01-01/symbol=A/foreign.parquet", b"another program's")
            for number in range(6):
                run_name = f"r{number}"
                store.create(f"lake/d/runs/{run_name}/c/plan.json", b"{}")
                parts = [self.part(store, "2026-01-01", run_name)]
                if number == 0:
                    parts.append(self.part(store, "2026-01-09", "kept"))
                self.publish(dataset, run_name, parts)
            dataset.prune(2)
            left = store.list("lake/d/")
            self.assertEqual([key for key in left if "/date=" in key], [
                "lake/d/date=2026-01-01/symbol=A/foreign.parquet", "lake/d/date=2026-01-01/symbol=A/r4.parquet",
                "lake/d/date=2026-01-01/symbol=A/r5.parquet", "lake/d/date=2026-01-09/symbol=A/kept.parquet"])
            self.assertEqual([key for key in left if "/current/" in key],
                             ["lake/d/current/000000000005.json", "lake/d/current/000000000006.json"])
            self.assertEqual([key for key in left if "/runs/" in key],
                             ["lake/d/runs/r4/c/plan.json", "lake/d/runs/r5/c/plan.json"])
            self.assertEqual(dataset.prune(2), 0)
            dataset.current()

    def test_an_object_is_created_once(self):
        with tempfile.TemporaryDirectory() as folder:
            store = Folder(folder)
            self.assertTrue(store.create("a/b", b"1"))
            self.assertFalse(store.create("a/b", b"2"))
            self.assertEqual(store.get("a/b"), b"1")
            self.assertEqual(os.listdir(os.path.join(folder, "a")), ["b"])
            with self.assertRaises(Missing):
                store.get("a/c")


class Stores(unittest.TestCase):
    @unittest.skipUnless("S3_ENDPOINT" in os.environ, "S3_ENDPOINT names no server")
    def test_of_many_writers_on_s3_one_creates(self):
        store = open_store(f"s3://souk/{os.getpid()}/some/prefix")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            created = list(pool.map(lambda number: store.create("a/b", str(number).encode()), range(16)))
        self.assertEqual(sum(created), 1)
        self.assertEqual(store.get("a/b"), str(created.index(True)).encode())
        store.put("a/b", b"replaced")
        self.assertEqual((store.get("a/b"), store.list("a/")), (b"replaced", ["a/b"]))
        store.delete("a/b")
        store.delete("a/b")
        self.assertEqual(store.list("a/"), [])
        with self.assertRaises(Missing):
            store.get("a/b")


class Comparing(unittest.TestCase):
    def test_every_difference_is_named(self):
        def signal(start, **values):
            return {"start_ns": start, "interval": "1m", "values": values}

        batch = {"a": signal(1, rsi14=1.0, obv=2.0), "b": signal(2, rsi14=3.0), "c": signal(3, rsi14=5.0)}
        live = {"a": signal(1, rsi14=1.0, obv=2.0), "b": signal(2, rsi14=3.5, obv=1.0), "d": signal(4, rsi14=5.0)}
        found = [(each["id"], each["difference"], each.get("name"), each.get("batch"), each.get("live"))
                 for each in compare.differences(batch, live)]
        self.assertEqual(found, [
            ("b", "value", "obv", None, 1.0), ("b", "value", "rsi14", 3.0, 3.5), ("c", "only_batch", None, None, None),
            ("d", "only_live", None, None, None)])


@unittest.skipUnless("SIGNAL_WORKER" in os.environ and "SOUK" in os.environ, "there are no programs of the fleet")
class Signals(unittest.TestCase):
    """Signals of flow and sentiment, and declared features, of what is compacted."""

    def job(self, name, kind, **parameters):
        return {"job_id": name, "kind": kind, "submitted_ns": 1, "parameters": {"lateness": "0s", **parameters}}

    def flow(self, number, day, premium, status="reported", revision=1):
        time = records.midnight(f"2026-03-{day:02}") + 11 * 60 * MINUTE + number * 10**9
        return {"event_id": f"{number:032x}", "underlying": "A", "feed": "f", "revision": revision, "status": status,
                "rule": "sweep", "condition": "c", "numbers": {}, "contracts": ["A260320C00200000"], "side": "buy",
                "confidence": 1, "premium": premium, "net_premium": premium, "size": 1, "prints": 1, "exchanges": 1,
                "price": 1, "first_ns": time, "last_ns": time, "known_ns": time + revision, "day": f"2026-03-{day:02}"}

    def test_signals_of_flow_are_compared_with_those_that_were_said_live(self):
        with tempfile.TemporaryDirectory() as folder:
            days = [2, 3, 4, 5, 6, 9, 10]
            for number, day in enumerate(days):
                rows = [self.flow(number, day, 100.0 * (number + 1)), self.flow(100 + number, day, 7.0)]
                if day == 5:  # Withdrawn: it counts in no sum.
                    rows.append(self.flow(100 + number, day, 7.0, "withdrawn", 2))
                put(folder, "A", f"2026-03-{day:02}", rows, number, 0, "options-flow", lambda row: row["first_ns"])
            # What was known up to noon of the last day is complete.
            put(folder, "A", "2026-03-10", [self.flow(999, 10, 1.0)], 50, 0, "options-flow",
                lambda row: row["first_ns"] + 120 * MINUTE)
            for each in (self.job("c", "compact", dataset="options-flow"),
                         self.job("f", "features", source="flow", event_days="10")):
                code, events, errors = run(folder, each)
                self.assertEqual(code, 0, f"{errors} {events}")
            dataset = lake.Dataset(Folder(folder), "flow-signals")
            manifest = dataset.current()
            self.assertEqual([part["date"][-2:] for part in manifest["parts"]], [f"{day:02}" for day in days])
            signals = [json.loads(line) for part in manifest["parts"]
                       for line in archive.lines(dataset.store, part["lines"])]
            self.assertEqual([each["values"]["flow_premium"] for each in signals],
                             [107, 207, 307, 400, 507, 607, 708])
            self.assertNotIn("flow_dev", signals[4]["values"])
            # Of 107, 207, 307, 400, 507 the median is 307, that of the differences 100.
            self.assertAlmostEqual(signals[5]["values"]["flow_dev"], (607 - 307) / 148.26, 9)
            live = [dict(each, known_ns=each["known_ns"] + 1) for each in signals]
            live[2]["values"] = dict(live[2]["values"], flow_premium=308)
            # Of a withdrawn hour there is a signal without values; the hours of bars are another job's.
            earlier = signals[0]["start_ns"] - 3_600 * 10**9
            live.append(dict(signals[0], id="A/f/flow-1h/1", start_ns=earlier, values={}))
            live.append(dict(signals[0], id="A/f/1h/1", interval="1h"))
            live.pop(1)
            for number, each in enumerate(live):
                put(folder, "A", records.day_of(each["start_ns"]), [each], number, dataset="technical-signals")
            code, events, errors = run(folder, self.job("x", "compare", source="flow"))
            self.assertEqual(code, 0, errors)
            self.assertEqual(events[-1]["differences"], {"value": 1, "only_batch": 1, "only_live": 0})
            self.assertEqual(lake.Dataset(Folder(folder), "compare-flow").current()["dataset"], "compare-flow")

    def test_features_are_those_of_the_declared_definitions(self):
        definitions = """features:
  - {name: up, version: 3, source: bars, interval: 1m, value: return, window: 2, freshness: 5m}
"""
        with tempfile.TemporaryDirectory() as folder:
            fill(folder, ["A", "B"], ["2026-03-05", "2026-03-06"], 30)
            for each in (self.job("c", "compact"), self.job("r", "feature_rows", definitions=definitions)):
                code, events, errors = run(folder, each)
                self.assertEqual(code, 0, f"{errors} {events}")
            bars, rows = (lake.Dataset(Folder(folder), name) for name in ("bars", "feature-rows-bars"))
            self.assertEqual([(part["date"], part["symbol"]) for part in rows.current()["parts"]],
                             [(part["date"], part["symbol"]) for part in bars.current()["parts"]])
            closes = [json.loads(line)["close"] for part in bars.current()["parts"] if part["symbol"] == "A"
                      for line in archive.lines(bars.store, part["lines"])]
            import io
            import pyarrow.parquet
            found = [row for part in rows.current()["parts"] if part["symbol"] == "A"
                     for row in pyarrow.parquet.read_table(io.BytesIO(rows.store.get(part["key"]))).to_pylist()]
            self.assertEqual(len(found), len(closes))
            self.assertEqual([row["up_v3"] for row in found[:2]], [None, None])
            for index in range(2, len(closes)):
                self.assertAlmostEqual(found[index]["up_v3"], closes[index] / closes[index - 2] - 1, 12)
            self.assertEqual(found[5]["event_timestamp"].timestamp() * 10**9, found[5]["event_ns"])
            # The same bars and definitions make nothing anew; other definitions do.
            again = {**self.job("r", "feature_rows", definitions=definitions), "submitted_ns": 2}
            self.assertEqual(run(folder, again)[1][0]["total"], 0)
            again = {**self.job("r", "feature_rows"), "submitted_ns": 3}
            self.assertEqual(run(folder, again)[1][0]["total"], 2)

    def test_who_has_no_options_has_nothing_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            job = self.job("c", "compact", dataset="options-flow")
            self.assertEqual(run(folder, job)[0], 65)
            code, events, _ = run(folder, {**job, "parameters": {**job["parameters"], "may_be_empty": "yes"}})
            self.assertEqual((code, events[-1]["event"]), (0, "published"))
            self.assertIn("options-flow", events[-1]["message"])


class Sums(unittest.TestCase):
    def test_options_flow_of_a_day(self):
        base = {"feed": "f", "confidence": 1, "prints": 1, "day": "2026-03-05", "status": "reported", "first_ns": 0}
        rows = options_flow.daily([
            {**base, "rule": "sweep", "side": "buy", "premium": 10.0, "size": 2, "contracts": ["AAPL260320C00200000"]},
            {**base, "rule": "sweep", "side": "sell", "premium": 5.0, "size": 1, "contracts": ["AAPL260320P00200000"],
             "status": "confirmed"},
            {**base, "rule": "block", "side": "unknown", "premium": 7.0, "size": 9,
             "contracts": ["AAPL260320P00200000", "AAPL260320C00200000"]},
        ], {"symbol": "AAPL", "date": "2026-03-05"})
        self.assertEqual([row["rule"] for row in rows], ["block", "sweep"])
        sweep = rows[1]
        self.assertEqual((sweep["events"], sweep["size"], sweep["premium"], sweep["bought"], sweep["sold"]),
                         (2, 3, 15.0, 10.0, 5.0))
        self.assertEqual((sweep["calls"], sweep["puts"], sweep["largest"], sweep["confirmed"]), (10.0, 5.0, 10.0, 1))
        self.assertEqual((rows[0]["calls"], rows[0]["puts"]), (0.0, 0.0))

    def test_sentiment_of_a_date_looks_back_over_dates_that_were_not_asked_for(self):
        def story(day, number, score):
            moment = f"2026-03-{day:02}T15:00:00Z"
            return {"event_id": f"e{number}", "symbol": "A", "cluster": f"c{number}", "revision": 1, "score": score,
                    "confidence": 1, "sources": 1, "published_at": moment, "known_at": moment}

        with tempfile.TemporaryDirectory() as folder:
            for number, (symbol, day) in enumerate([("A", 3), ("B", 4), ("A", 5)]):
                put(folder, symbol, f"2026-03-{day:02}", [story(day, number, 0.5)], number, 0, "sentiment-events",
                    lambda row: records.instant(row["published_at"]))
            code, events, errors = run(folder, {
                "job_id": "s", "kind": "sentiment_trends", "submitted_ns": 1, "symbols": [],
                "from_ns": records.midnight("2026-03-04"), "parameters": {"lateness": "0s"}})
            self.assertEqual(code, 0, errors)
            manifest = lake.Dataset(Folder(folder), "sentiment-trends").current()
            # Nothing was said of A on the 4th: the week before still has a story.
            self.assertIn(("2026-03-04", "A"), [(part["date"], part["symbol"]) for part in manifest["parts"]])

    def test_sentiment_looks_at_nothing_that_was_not_known(self):
        hour = sentiment_trends.HOUR
        stories = [(10 * hour, 10 * hour + 1, 0.5, 1.0, "c1", 2), (10 * hour + 1, 13 * hour, -1.0, 1.0, "c2", 1)]
        rows = {(row["window"], row["end_ns"] // hour): row
                for row in sentiment_trends.trends("A", stories, 10 * hour, 15 * hour)}
        # Known at 13, the second counts in windows that end after that, and only in those it was published in.
        self.assertEqual(rows["1h", 11]["stories"], 1)
        self.assertEqual(rows["1h", 11]["score"], 0.5)
        self.assertNotIn(("1h", 12), rows)
        self.assertEqual(rows["1d", 13]["stories"], 1)
        self.assertEqual(rows["1d", 14]["stories"], 2)
        self.assertLess(rows["1d", 14]["score"], 0)
        self.assertIsNone(rows["1h", 11]["zscore"])


def every_line(folder):
    for top, _, names in os.walk(os.path.join(folder, "market-bars")):
        for name in names:
            with gzip.open(os.path.join(top, name)) as file:
                yield from file.read().splitlines()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
