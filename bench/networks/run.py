#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whole networks on one thread, batch 1, float32: iop beside other engines with the same weights and the same image.

Each engine is a process of its own, which loads the network once. Then all run in turn, round after round, so that a
machine's mood meets them all; a ratio is the median of the ratios within each round. Before each round it is measured what
this core allows at most, its roofline: a target that is beyond it cannot be reached on this machine. Outputs are compared
with iop's. Times are those that a process was running, all its threads together.
"""
import argparse
import json
import math
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/support"))
from command_line import Failed, end, number, output, write  # noqa: E402

TRAINED = {"lenet5": ROOT / "examples/lenet5/weights/fashion-mnist.safetensors"}
NETWORKS = ["lenet5", "alexnet", "vgg11", "vgg16", "resnet18", "mobilenet_v2"]
# Engine -> program, what it reads, its further arguments.
ENGINES = {"iop": ("iop_{network}", "weights", []),
           "onnxruntime": ("onnxruntime", "model", ["--library", "{library}"]),
           "onednn_direct": ("onednn", "weights", ["--variant", "direct"]),
           "onednn_winograd": ("onednn", "weights", ["--variant", "winograd"]),
           "xnnpack": ("xnnpack", "weights", []),
           "opencv": ("opencv", "model", [])}
# Every library's own threads.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS")}
RATIO_TARGETS = {"lenet5": 3, "alexnet": 1.3, "vgg11": 2.4, "vgg16": 2.6, "resnet18": 1.9, "mobilenet_v2": 1.25}  # onnxruntime's time over iop's, on a core with AVX-512
RESIDENT_TARGETS = {"vgg11": 1.15}  # peak resident memory over what the executor states, at most; small networks are all program
UNSUPPORTED = 3  # exit code
LIMIT_SECONDS = 600  # of one answer


class Program:
    """One that answers lines on its standard input."""

    def __init__(self, command):
        self.name = Path(command[0]).name
        self.log = tempfile.TemporaryFile("w+", errors="replace")
        try:
            self.child = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          stderr=self.log, text=True, errors="replace", env={**os.environ, **ONE_THREAD})
        except OSError as reason:
            raise Failed(f"{self.name}: {reason.strerror}") from None

    def answer(self):
        ready, _, _ = select.select([self.child.stdout], [], [], LIMIT_SECONDS)
        line = self.child.stdout.readline() if ready else ""
        if line:
            return line
        if not ready:
            raise Failed(f"{self.name} gives no answer within {LIMIT_SECONDS} s")
        status = self.child.wait()
        self.log.seek(0)
        why = " ".join(self.log.read().split())[:300] or "it says nothing"
        raise Failed(why if status == UNSUPPORTED else f"{self.name} failed with {status}: {why}")

    def understood(self, read):
        line = self.answer()
        try:
            return read(line)
        except ValueError:
            raise Failed(f"{self.name} gives no answer but {line.strip()[:60]!r}") from None

    def ask(self, request, count=1):
        """So many numbers above 0."""
        def numbers(line):
            values = [float(word) for word in line.split()]
            if len(values) != count:
                raise ValueError
            return values

        try:
            self.child.stdin.write(f"{request}\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # then it has ended, and the missing answer says why
        values = self.understood(numbers)
        for value in values:
            if not 0 < value < math.inf:
                raise Failed(f"{self.name} answers {value:g} where something above 0 is measured")
        return values

    def close(self):
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.log.close()


class Engine(Program):
    """With one network loaded."""

    def __init__(self, command):
        super().__init__(command)
        try:
            self.says = self.understood(json.loads)
            self.scores = self.says["scores"]
            if not self.scores or not all(map(math.isfinite, self.scores)):
                raise Failed(f"{self.name} has no scores, or some that are not numbers")
            self.once = min(self.seconds(1) for _ in range(2))
        except (KeyError, TypeError):
            self.close()
            raise Failed(f"{self.name} says something else than its scores") from None
        except BaseException:
            self.close()
            raise

    def seconds(self, count):
        """Of one inference, the mean of so many."""
        return self.ask(count)[0] / count

    def peak_resident_bytes(self):
        self.child.stdin.close()
        return self.understood(int)


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench networks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)

    def some_of(known):
        def parse(text):
            chosen = text.split(",")
            wrong = [name for name in chosen if name not in known]
            if wrong:
                raise argparse.ArgumentTypeError(f"no '{wrong[0]}' among {', '.join(known)}")
            return [name for name in known if name in chosen]
        return parse

    parser.add_argument("--networks", type=some_of(NETWORKS), default=NETWORKS, metavar="NAME,...",
                        help=f"of {', '.join(NETWORKS)}; default: all")
    parser.add_argument("--engines", type=some_of(list(ENGINES)), default=list(ENGINES), metavar="NAME,...",
                        help=f"of {', '.join(ENGINES)}; default: all")
    parser.add_argument("--rounds", type=number(int, 1, 10**6), default=15, help="default: 15")
    parser.add_argument("--round-seconds", type=number(float, 1e-6, 3600), default=0.2,
                        help="of each engine in each round, one inference at least; default: 0.2")
    parser.add_argument("--json", type=output, metavar="FILE", help="write the numbers there")
    parser.add_argument("--programs", type=Path, default=ROOT / "build/bin", help="folder of the built programs")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/bench",
                        help="holds weights, models and onnxruntime; made when missing")
    return parser.parse_args()


def onnxruntime_library(folder):
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine, "unknown")
    found = sorted(folder.glob(f"onnxruntime/node_modules/onnxruntime-node/bin/*/linux/{machine}/libonnxruntime.so*"))
    return found[0] if found else None


class Files:
    """Weights and models, written once."""

    def __init__(self, options):
        self.programs = options.programs
        self.folder = options.folder / "networks"
        self.library = onnxruntime_library(options.folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def program(self, name):
        path = self.programs / f"bench_networks_{name}"
        return path if path.exists() else None

    def write(self, path, program, *words):
        """Unless it is there and not older than the program. Under another name first, so that what is there is whole."""
        if not program:
            raise Failed("not built")
        if path.exists() and path.stat().st_mtime >= program.stat().st_mtime:
            return path
        part = path.with_suffix(".part")
        status = subprocess.run([program, *map(str, words), part]).returncode
        if status != 0 or not part.exists():
            raise Failed(f"{program.name} failed with {status}" if status else f"{program.name} wrote nothing")
        part.replace(path)
        return path

    def weights(self, network):
        if network in TRAINED:
            return TRAINED[network]
        return self.write(self.folder / f"{network}.safetensors", self.program("weights"), network)

    def model(self, network):
        return self.write(self.folder / f"{network}.onnx", self.program("onnx"), network, self.weights(network))

    def command(self, engine, network):
        name, reads, words = ENGINES[engine]
        program = self.program(name.format(network=network))
        if not program or (engine == "onnxruntime" and not self.library) or (reads == "model" and not self.program("onnx")):
            raise Failed("not built" if engine == "iop" else
                         "not installed: script/bootstrap --bench installs it, script/bench networks then builds with it")
        source = self.weights(network) if reads == "weights" else self.model(network)
        return [program, network, f"--{reads}", source, *(word.format(library=self.library) for word in words)]


def difference(scores, reference):
    """The largest, relative to the largest score."""
    if len(scores) != len(reference):
        raise Failed(f"{len(scores)} scores beside {len(reference)} of iop")
    most = max(map(abs, reference))
    return max(abs(a - b) for a, b in zip(scores, reference)) / most if most else 0.0


def measure(network, options, files):
    """Rows of one network, printed and returned."""
    running, skipped, roofline = {}, {}, []  # of that, one program or none
    try:
        for engine in options.engines:
            try:
                running[engine] = Engine(files.command(engine, network))
            except Failed as why:
                skipped[engine] = why
        times = {engine: [] for engine in running}
        limits = []
        if files.program("roofline"):
            roofline.append(Program([files.program("roofline"), network]))
        for number in range(options.rounds if running else 0):
            limits += [program.ask("now", 4) for program in roofline]
            order = list(running)
            shift = number % len(order)  # nobody is always behind the same neighbour
            for engine in order[shift:] + order[:shift]:
                process = running[engine]
                times[engine].append(process.seconds(max(1, round(options.round_seconds / process.once))))
        rows = [{"network": network, "engine": engine, "median_ms": statistics.median(times[engine]) * 1e3,
                 "min_ms": min(times[engine]) * 1e3, "max_ms": max(times[engine]) * 1e3,
                 "peak_resident_bytes": running[engine].peak_resident_bytes()} for engine in running]
        report(network, rows, running, skipped, times, limits)
        return rows, "iop" in skipped
    finally:
        for process in [*running.values(), *roofline]:
            process.close()


def report(network, rows, running, skipped, times, limits):
    iop = running.get("iop")
    ratios = {engine: statistics.median(a / b for a, b in zip(times[engine], times["iop"])) for engine in running if iop}
    for row in rows:
        engine = row["engine"]
        ratio = ratios.get(engine, float("nan"))
        apart = difference(running[engine].scores, iop.scores) if iop else float("nan")
        print(f"{network:<13} {engine:<16} {row['median_ms']:>9.4f} {row['min_ms']:>9.4f} {row['max_ms']:>9.4f} {ratio:>9.3f}"
              f" {row['peak_resident_bytes'] / 1e6:>9.1f} {apart:>11.1e}")
    for engine, why in skipped.items():
        print(f"{network:<13} {engine:<16} skipped: {why}")
    direct, by_winograd, flops, bandwidth = map(statistics.median, zip(*limits)) if limits else [float("nan")] * 4
    least = min(direct, by_winograd)
    if "onnxruntime" in ratios:
        ratio, target, most = ratios["onnxruntime"], RATIO_TARGETS[network], statistics.median(times["onnxruntime"]) / least
        verdict = "held" if ratio >= target else "missed"
        if ratio < target and most < target:
            verdict += f"; on this core nothing is more than {most:.2f} times as fast"
        print(f"{network:<13} {ratio:.2f} times as fast as onnxruntime (target {target}: {verdict})")
    if limits:
        beside = ", ".join(f"{engine} takes {statistics.median(times[engine]) / least:.2f} times as long" for engine in running
                           if engine in ("iop", "onnxruntime"))
        print(f"{network:<13} roofline {direct * 1e3:.4g} ms, with Winograd's F(4x4, 3x3) {by_winograd * 1e3:.4g} ms "
              f"({flops / 1e9:.1f} GFLOP/s, reading {bandwidth / 1e9:.1f} GB/s): {beside or 'nothing was measured'}")
    if iop:
        stated = iop.says.get("stated_bytes")
        if not isinstance(stated, int) or stated <= 0:
            raise Failed(f"{iop.name} does not state its bytes")
        resident = next(row["peak_resident_bytes"] for row in rows if row["engine"] == "iop")
        target = RESIDENT_TARGETS.get(network)
        verdict = "" if target is None else f" (target {target}: {'held' if resident <= target * stated else 'missed'})"
        print(f"{network:<13} memory of iop {stated / 1e6:.1f} MB as it states (weights as packed, and arena), "
              f"its resident peak is {resident / stated:.2f} times that{verdict}")
    print(flush=True)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engines are stopped, too
    files = Files(options)
    print(f"{options.rounds} rounds in turn, one thread, batch 1, float32; times of running in ms, peak resident memory in MB\n"
          "peer/iop: how many times as long as iop; apart: largest difference from iop's scores over its largest score\n")
    print(f"{'network':<13} {'engine':<16} {'median':>9} {'least':>9} {'most':>9} {'peer/iop':>9} {'peak MB':>9} {'apart':>11}")
    rows, failed = [], False
    for network in options.networks:
        more, without_iop = measure(network, options, files)
        rows += more
        failed |= without_iop and "iop" in options.engines
    if options.json:
        write(options.json, json.dumps(rows, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    end(main)
