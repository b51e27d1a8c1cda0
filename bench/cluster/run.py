#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs networks on emulated clusters: every policy, 2 to 6 devices, links from fast to slow, and compares what is measured
with what was predicted.

usage: script/bench cluster [OPTION...]      (--help)

Every device is a process in a network namespace of its own, its link slowed down by the kernel, its computing by its
observer: each step lasts as long as it took in rehearsals × factor. Slow devices leave this machine time for others: cells
are measured several at once. Needs root; otherwise the devices slow down loopback themselves, and the results say so.
Results are lines of JSON in FOLDER/results.jsonl; what is there already is not measured again. Beside them: traces/*.json
for a browser's timeline viewer, report.html, emulation.json.
"""
import argparse
import dataclasses
import functools
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "support")]
import conditions
import report
from cells import CLASSIC, DEVICES, LINKS, NETWORKS, POLICIES, SPEEDS, Cell, Results, largest, matrix
from command_line import Failed, end, number
from crew import Crew, favour, run_together
from testbed import Loopback, Testbed, call

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOUBT = 0.1  # of a prediction: what took so much longer is measured once more
LATE = 0.005  # of a latency: devices that were later than that had too little of this machine
TOLERANCE = 1e-5  # of the scores, as a share of the largest


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench cluster", description=__doc__.split("\n\n")[0])

    def some(values, kind=str):
        def parse(text):
            chosen = [kind(each) for each in text.split(",")]
            for each in chosen:
                if each not in values:
                    raise argparse.ArgumentTypeError(f"{each} is none of {', '.join(map(str, values))}")
            return chosen
        return parse

    add = parser.add_argument
    add("--networks", type=some(NETWORKS), metavar="A,B", help=f"of {', '.join(NETWORKS)}; the first three, and VGG16 on four devices, unless --all")
    add("--policies", type=some(POLICIES), default=POLICIES, metavar="A,B", help=", ".join(POLICIES))
    add("--devices", type=some(DEVICES, int), default=DEVICES, metavar="N,N", help="2,3,4,6")
    add("--links", type=some(list(LINKS)), default=list(LINKS), metavar="A,B", help=", ".join(LINKS))
    add("--speeds", type=some(SPEEDS, float), default=SPEEDS, metavar="A,B", help="GFLOP/s: 10,1.3")
    add("--all", action="store_true", help="all networks, and unlike devices in every number")
    add("--equal", action="store_true", help="no unlike devices")
    add("--cells", type=number(int, 1, 10**6), metavar="N", help="measure at most N more cells")
    add("--time", type=number(float, 0, 1e6), metavar="SECONDS", help="start no cell later than that")
    add("--cell-seconds", type=number(float, 0, 1e6), default=0.7, help="run a cell for so long, and 3 times at least, or twice if once takes 4 s [0.7]")
    add("--jobs", type=number(int, 1, 10**6), default=8, metavar="N", help="cells at once, as far as they do not disturb each other; 1: each alone [8]")
    add("--rehearsal", type=number(float, 0, 1e6), default=1, metavar="SECONDS",
        help="repeat the steps of a device so long to know what they cost this machine, whose rates are measured eight times as long [1]")
    add("--winograd", action="store_true", help="the devices may use Winograd's algorithm")
    add("--loopback", action="store_true", help="no namespaces, as without root")
    add("--conditions", action="store_true", help="instead: what happens when a link or a device fails for a while")
    add("--report", action="store_true", help="instead: write the report of what was measured")
    add("--folder", type=pathlib.Path, default=ROOT / "build" / "bench" / "cluster")
    add("--programs", type=pathlib.Path, default=ROOT / "build" / "bin", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.extra = [] if options.networks or options.all else largest(options.speeds)
    options.networks = options.networks or (NETWORKS if options.all else CLASSIC)
    return options


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.folder
        (self.folder / "traces").mkdir(parents=True, exist_ok=True)
        self.results = self.folder / "results.jsonl"
        self.references = {}
        self.own_message = 0.0
        self.doubts = 0
        self.temporary = tempfile.TemporaryDirectory(prefix="iop-cluster-")

    def program(self, name):
        return self.options.programs / name

    def rows(self):
        """What was measured so far; a line that a crash has cut is measured again."""
        rows = []
        if self.results.exists():
            for line in self.results.read_text("utf-8").splitlines():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError:
                    pass
        return rows

    def weights(self, network):
        path = self.folder / f"{network}.safetensors"
        if not path.exists():
            part = path.with_suffix(".part")
            call(self.program("bench_networks_weights"), network, part)
            part.rename(path)
        return path

    def measure_host(self):
        """This machine's rates on usual and on small networks."""
        seconds = {"usual": 8 * self.options.rehearsal, "small": 2 * self.options.rehearsal}
        return {kind: json.loads(call(self.program("iop-calibrate"), "--seconds", each, "--json", "-",
                                      *(["--small"] if kind == "small" else []), before=favour)) for kind, each in seconds.items()}

    @functools.cached_property
    def host(self):
        """Those rates before anything else is measured: what the devices of this run are fractions of."""
        return self.measure_host()

    def drift(self):
        """By how much they have changed since: the largest change."""
        now = self.measure_host()
        return max((now[kind][rate] / before - 1 for kind, rates in self.host.items() for rate, before in rates.items()
                    if rate in ("flops", "memory_bandwidth")), key=abs)

    def file(self, name, content):
        path = pathlib.Path(self.temporary.name, name)
        path.write_text(json.dumps(content), "utf-8")
        return path

    def plan(self, cell, cluster):
        """The planner's word on this cell, from iop-plan."""
        got = subprocess.run([self.program("iop-plan"), "--network", cell.network, "--policy", cell.policy, "--cluster",
                              cluster, "--json", "-"], text=True, capture_output=True)
        if not got.stdout:
            raise Failed(got.stderr.strip())
        return json.loads(got.stdout)["plans"][0]

    def reference(self, network):
        """The scores of one device on its own, as fast as this machine."""
        if network not in self.references:
            cell = Cell(network, "single_device", 1, next(iter(LINKS)), 10.0)
            got = Crew(Loopback(1), self.program("bench_cluster_device"),
                       [*self.words(cell), "--cluster", self.file("one.json", cell.cluster(self.host)), "--seconds", 0,
                        "--least-runs", 1]).run()
            self.references[network] = got[0]["scores"]
        return self.references[network]

    def words(self, cell):
        folder = pathlib.Path(self.temporary.name)
        return ["--network", cell.network, "--policy", cell.policy, "--weights", self.weights(cell.network), "--time-out", 600_000,
                "--turn", folder / "turn", "--costs", folder / f"costs{self.doubts}"]

    def difference(self, network, scores):
        expected = self.reference(network)
        return max(abs(a - b) for a, b in zip(scores, expected, strict=True)) / max(map(abs, expected))

    def crew(self, cell, place, cluster, seconds, least_runs=3, progress=lambda runs: None):
        bandwidth = LINKS[cell.link][0]
        place.shape(None)  # rehearsals have no need to wait
        place.tune(bandwidth)
        return Crew(place, self.program("bench_cluster_device"),
                    [*self.words(cell), "--cluster", cluster, "--seconds", seconds, "--least-runs", least_runs, "--shaped",
                     "--rehearsal-seconds", self.options.rehearsal, "--own-message-us", self.own_message * 1e6,
                     *(["--kernel-shaped"] if place.is_kernel_shaped else [])],
                    per_rank=[["--factor", factor] for factor in cell.factors(self.host)],
                    prepare=lambda: place.shape(bandwidth), progress=progress)

    def groups(self, cells):
        """Cells that can be measured at once: all their devices together leave this machine idle for part of the time."""
        group, load = [], 0.0
        for cell in cells:
            own = sum(1 / factor for factor in cell.factors(self.host))
            if group and (cell.is_brief or group[0].is_brief or load + own > 0.6 * len(os.sched_getaffinity(0))):
                yield group
                group, load = [], 0.0
            group.append(cell)
            load += own
        yield group

    def measure(self, cells, testbed):
        """(cell, row, timeline) of each. Neighbours only ever slow: what took longer than predicted by more than a tenth is
        rehearsed and measured again, and the quicker of the two counts."""
        measured = [each for group in self.groups(cells) for each in self.measure_at_once(group, testbed)]
        for index, (cell, row, _) in enumerate(measured):
            if row.get("error", 0) < -DOUBT:
                self.doubts += 1  # of what was rehearsed so far
                again = self.measure_at_once([cell], testbed)[0]
                if again[1].get("p50_ms", float("inf")) < row["p50_ms"]:
                    measured[index] = again
                measured[index][1]["tries"] = 2
        return measured

    def measure_at_once(self, cells, testbed):
        """The same of cells that are measured at once."""
        begun = [self.begin(cell, testbed.place(cell.devices, number), number) for number, cell in enumerate(cells)]
        run_together([crew for _, _, crew in begun if crew])
        measured = []
        for cell, (row, plan, crew) in zip(cells, begun, strict=True):
            trace = None
            try:
                if crew:
                    row |= {"at_once": len(cells), **self.compare(cell, plan, crew.got())}
                    trace = report.to_trace(cell, crew.got(), plan)
            except Failed as failure:
                row = {"failure": str(failure)}
            if len(cells) > 1 and max((rank["late_ms"] for rank in row.get("ranks", [])), default=0) > LATE * row.get("p50_ms", 0):
                measured += self.measure_at_once([cell], testbed)
            else:
                measured.append((cell, row, trace))
        return measured

    def begin(self, cell, place, number):
        """What is known beforehand, the plan, and the crew if there is any use in it."""
        path = self.file(f"cluster{number}.json", cell.cluster(self.host, self.options.winograd))
        plan = self.plan(cell, path)
        row = {**dataclasses.asdict(cell), "fits": plan["fits"], "predicted_ms": plan["makespan_seconds"] * 1e3,
               "predicted_compute_ms": plan["compute_seconds"] * 1e3, "messages": plan["messages"], "bytes": plan["bytes"],
               "emulation": "namespaces" if place.is_kernel_shaped else "loopback"}
        if not plan["fits"]:
            return {**row, "problem": plan.get("problem", "does not fit")}, plan, None
        least_runs = 2 if plan["makespan_seconds"] > 4 else 3
        return row, plan, self.crew(cell, place, path, self.options.cell_seconds, least_runs)

    def compare(self, cell, plan, got):
        """What was measured, with what was predicted."""
        latencies = got[0]["latencies_s"]
        sent = [sum(rank[what] for rank in got) for what in ("messages_sent", "bytes_sent")]
        difference = self.difference(cell.network, got[0]["scores"])
        if sent != [plan["messages"], plan["bytes"]] or not difference <= (1e-4 if self.options.winograd else TOLERANCE):
            raise Failed(f"sent {sent}, planned {[plan['messages'], plan['bytes']]}; scores apart by {difference:.1e}")
        p50 = statistics.median(latencies) * 1e3
        return {"p50_ms": p50, "p99_ms": quantile(latencies, 0.99) * 1e3, "runs": len(latencies),
                "error": plan["makespan_seconds"] * 1e3 / p50 - 1, "apart": difference,
                "ranks": [{key: rank[key] for key in ("weight_bytes", "arena_bytes", "resident_bytes")}
                          | {"late_ms": rank["late_s"] * 1e3} for rank in got]}

    def probe(self, place, bandwidth, message, own, factor=20):
        place.tune(bandwidth)
        place.shape(bandwidth)
        return Crew(place, self.program("bench_cluster_probe"),
                    ["--bandwidth", bandwidth, "--message-us", message * 1e6, "--own-message-us", own * 1e6, "--factor", factor,
                     *(["--kernel-shaped"] if place.is_kernel_shaped else [])]).run()[0]

    def check_emulation(self, testbed):
        """Whether links and devices are what they should be: (passed, sentence) of each."""
        lines, place = [], testbed.place(2)
        # What a message takes besides the wait for it, which is part of every wait from now on.
        plain = self.probe(place, 12.5e6, 1e-3, 0)
        self.own_message = max(plain["messages"][0]["seconds"] - 1e-3, 0)
        for name in self.options.links:
            bandwidth, message = LINKS[name]
            got = self.probe(place, bandwidth, message, self.own_message)
            apart = got["bytes_per_s"] / bandwidth - 1
            added = got["messages"][0]["seconds"] - message
            stretch = max(abs(each["taken_over_wanted"] - 1) for each in got["stretch"])
            lines += [(abs(apart) <= 0.05, f"{name}: bandwidth {got['bytes_per_s'] / 1e6:.2f} MB/s, {100 * apart:+.1f} % (allowed 5)"),
                      (abs(added) <= max(0.1 * message, 0.2e-3),
                       f"{name}: a message takes {(message + added) * 1e3:.3f} ms, {added * 1e3:+.3f} (allowed 0.2 or 10 %)"),
                      (stretch <= 0.03, f"{name}: slowed computing is {100 * stretch:.2f} % off (allowed 3)")]
        (self.folder / "emulation.json").write_text(json.dumps(
            {"own_message_s": self.own_message, "is_kernel_shaped": place.is_kernel_shaped, "why": testbed.why, "checks": lines}), "utf-8")
        return lines

    def testbed(self):
        return Testbed("--loopback" if self.options.loopback else "")

    def overhead(self):
        """Three ranks share one core and loopback with nothing slowed: their compute is one device's, and the rest is ours."""
        cell = Cell("vgg11", "coedge_oc", 3, "1Gbit/0.2ms", 10.0)
        host = self.host
        took = {}
        loopback = self.probe(Loopback(2), 0, 0, 0)["bytes_per_s"]
        for each in (dataclasses.replace(cell, policy="single_device", devices=1), cell) * 2:
            path = self.file("overhead.json", each.cluster(host))
            plan = self.plan(each, path)
            got = Crew(Loopback(each.devices), self.program("bench_cluster_device"),
                       [*self.words(each), "--cluster", path, "--seconds", 2, "--least-runs", 10], core=max(os.sched_getaffinity(0))).run()
            best = min(got[0]["latencies_s"]), plan["bytes"]
            took[each.policy] = min(took.get(each.policy, best), best)
        alone, (together, sent) = took["single_device"][0], took[cell.policy]
        allowed = 1.1 * alone + sent / loopback
        return together <= allowed, (
            f"VGG11 by {cell.policy} as 3 processes on one core: {together * 1e3:.1f} ms, alone {alone * 1e3:.1f} ms, {sent / 1e6:.2f} MB "
            f"sent at {loopback / 1e9:.2f} GB/s (allowed {allowed * 1e3:.1f} ms)")

    def run(self):
        options = self.options
        done = set(Results(self.rows()).rows)
        unlike = () if options.equal else options.devices if options.all else (3,)
        cells = matrix(options.networks, options.policies, options.devices, options.links, options.speeds, unlike)
        cells = [cell for cell in [*cells, *options.extra] if cell not in done]
        cells = cells[:options.cells]
        print(f"{len(cells)} cells to measure, {len(done)} measured before; results in {self.folder}", flush=True)
        if not cells:
            return
        begin, failures = time.monotonic(), 0
        with self.testbed() as testbed:
            for passed, line in self.check_emulation(testbed):
                print(f"{'pass' if passed else 'FAIL'}  emulation, {line}", flush=True)
            if testbed.why:
                print(f"no namespaces ({testbed.why}): the devices slow down loopback themselves", flush=True)
            for number in range(0, len(cells), options.jobs):
                if options.time and time.monotonic() - begin > options.time:
                    print(f"cut after {time.monotonic() - begin:.0f} s: {len(cells) - number} cells remain", flush=True)
                    break
                measured = self.measure(cells[number:number + options.jobs], testbed)
                failures += sum("failure" in row for _, row, _ in measured)
                for index, each in enumerate(measured, number + 1):
                    self.keep(*each, f"[{index}/{len(cells)}]")
            print(f"this machine's speed: {100 * self.drift():+.1f} % since the beginning", flush=True)
        if failures:
            raise Failed(f"{failures} cells failed")

    def keep(self, cell, row, trace, position):
        if "failure" in row:
            print(f"{position} {cell.name}: {row['failure']}", flush=True)
            return
        with open(self.results, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if trace:
            (self.folder / "traces" / f"{cell.file_name}.json").write_text(json.dumps(trace), "utf-8")
        said = (f"{row['p50_ms']:.2f} ms, predicted {row['predicted_ms']:.2f} ({100 * row['error']:+.1f} %), {row['runs']} runs"
                if row["fits"] else "does not fit")
        print(f"{position} {cell.name}: {said}", flush=True)

    def conclude(self):
        """Prints what was shown, and writes the report."""
        results = Results(self.rows())
        claims = results.claims()
        kept = self.folder / "overhead.json"
        if kept.exists():
            claims.append(tuple(json.loads(kept.read_text("utf-8"))))
        print()
        for passed, line in claims:
            print(f"{'----' if passed is None else 'pass' if passed else 'FAIL'}  {line}")
        emulation = self.folder / "emulation.json"
        page = report.to_page(results, claims, json.loads(emulation.read_text("utf-8")) if emulation.exists() else None,
                              self.folder / "traces")
        (self.folder / "report.html").write_text(page, "utf-8")
        print(f"\n{self.folder / 'report.html'}")
        return all(passed is not False for passed, _ in claims)


def main():
    options = arguments()
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda received, _: sys.exit(128 + received))  # so that all is removed
    bench = Bench(options)
    if options.conditions:
        return 0 if conditions.run(bench) else 1
    if not options.report:
        bench.run()
        if "vgg11" in options.networks and not (bench.folder / "overhead.json").exists():
            (bench.folder / "overhead.json").write_text(json.dumps(bench.overhead()), "utf-8")
    return 0 if bench.conclude() else 1


if __name__ == "__main__":
    end(main)
