#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What planning in the compiler costs: time and memory of compiling (a) an empty #include <iop/iop.hpp>, (b) a plan
and nothing else, (c) the executor of rank 0, for networks of the zoo on equal devices.

(b) is compiled with -fsyntax-only, since it makes no code; (c) to an object with -O3, on x86-64 for AVX-512 so that its
.text does not depend on the machine; its devices have a rate for Winograd's algorithm, so that those kernels are in. Each
is compared with (a) compiled in the same way. (c) plans too, so its time holds more than that of (b).
"""
import argparse
import json
import os
import platform
import re
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from command_line import end, number, output, write  # noqa: E402

INCLUDE = HERE.parents[1] / "include"
ZOO = INCLUDE / "iop" / "zoo"

FOR_CPU = ["-march=x86-64-v4"] if platform.machine() == "x86_64" else []
MODES = {"check": ["-fsyntax-only"], "object": ["-O3", *FOR_CPU, "-c", "-o", "out.o"]}
# Planning above (a): the most seconds and bytes that it may take. The seconds are the CPU's, which are those of the clock
# on a machine with nothing else to do.
TARGETS = {("vgg16", 4): (3.0, 500e6), ("resnet50", 8): (15.0, None)}
# Executors, for AVX-512: the most bytes of .text, and seconds of the CPU for the whole translation unit.
EXECUTOR_TARGETS = {("vgg16", 1): (400e3, 40.0)}
# The compilers stop evaluations that look endless; --unlimited shows what they would cost.
UNLIMITED = {"gcc": ["-fconstexpr-ops-limit=9000000000000000000", "-fconstexpr-loop-limit=2147483647"],
             "clang": ["-fconstexpr-steps=4294967295"]}


def zoo():
    """Name of a network -> the header that it is in."""
    found = {}
    for header in sorted(ZOO.glob("*.hpp")):
        for name in re.findall(r"^struct (\w+) : (?:network|basic_\w+)<", header.read_text("utf-8"), re.MULTILINE):
            if not name.startswith("basic_"):
                found[name] = header.name
    return found


def policies():
    listed = re.search(r"enum class policy[^{]*{([^}]*)}", (INCLUDE / "iop/planner/plan.hpp").read_text("utf-8"))
    return re.findall(r"\w+", listed[1])


class Compiler:
    def __init__(self, command, options):
        self.name = Path(command).name
        self.options = options
        self.path = os.path.abspath(shutil.which(command))
        version = subprocess.run([command, "--version"], text=True, errors="replace", capture_output=True).stdout
        self.version = version.partition("\n")[0]
        self.kind = "clang" if "clang" in version else "gcc"
        self.flags = ["-std=c++20", f"-I{INCLUDE}", f"-I{HERE}", *(f"-I{path}" for path in options.include), *options.flags]
        if options.unlimited:
            self.flags += UNLIMITED[self.kind]

    def compile(self, template, mode, **words):
        """The best of several compilations, or the first that failed."""
        source = (HERE / f"{template}.cpp.in").read_text("utf-8")
        for word, value in words.items():
            source = source.replace(f"@{word}@", str(value))
        best = None
        for _ in range(self.options.repeat):
            with tempfile.TemporaryDirectory(prefix="iop-bench-") as folder:
                Path(folder, f"{template}.cpp").write_text(source, "utf-8")
                got = self.compile_once(folder, f"{template}.cpp", mode)
            if got["status"] != "ok":
                return got
            if not best or got["wall_seconds"] < best["wall_seconds"]:
                best = got
        return best

    def compile_once(self, folder, source, mode):
        def prepare():
            _, most = resource.getrlimit(resource.RLIMIT_AS)
            limit = self.options.memory_limit * 10**6
            resource.setrlimit(resource.RLIMIT_AS, (limit if most == resource.RLIM_INFINITY else min(limit, most),) * 2)

        log = Path(folder, "log")
        with log.open("wb") as printed:
            begin = time.monotonic()
            child = subprocess.Popen([self.path, *MODES[mode], *self.flags, source], cwd=folder, stdin=subprocess.DEVNULL,
                                     stdout=printed, stderr=printed, env={**os.environ, "LC_ALL": "C"},
                                     start_new_session=True, preexec_fn=prepare)
            try:
                in_time = has_ended(child.pid, self.options.time_limit)
                wall = time.monotonic() - begin
            finally:  # the compiler proper is a child of the child; also when this program is stopped
                if not has_ended(child.pid, 0):
                    os.killpg(child.pid, signal.SIGKILL)
                _, status, used = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
        if not in_time:
            return {"status": "time-out", "message": f"timed out after {self.options.time_limit:g} s"}
        if child.returncode != 0:
            return {"status": "error", "message": first_error(log.read_text("utf-8", "replace"))}
        # The largest process of those that the driver started and waited for: the compiler proper.
        got = {"status": "ok", "wall_seconds": wall, "cpu_seconds": used.ru_utime + used.ru_stime,
               "peak_bytes": used.ru_maxrss * 1024}
        if mode == "object":
            got["text_bytes"] = text_bytes(Path(folder, "out.o"))
            if got["text_bytes"] is None:
                return {"status": "error", "message": "made no object"}
        return got


def has_ended(pid, seconds):
    """Waits so long at most, without taking the status that os.wait4 wants."""
    handle = os.pidfd_open(pid)
    try:
        watch = select.poll()
        watch.register(handle, select.POLLIN)
        return bool(watch.poll(seconds * 1000))
    finally:
        os.close(handle)


def first_error(printed):
    """Where and why, on one line. Clang says only in a note that a limit was reached."""
    error = re.search(r"^(?:.*?/)?([^/\n]+: (?:fatal )?error: .*)$", printed, re.MULTILINE)
    limit = re.search(r"note: (constexpr evaluation .*)", printed)
    memory = re.search(r"^.*(?:out of memory|bad_alloc).*$", printed, re.MULTILINE)
    if memory:
        return memory[0]
    if error and limit and "limit" not in error[1]:
        return f"{error[1]}: {limit[1]}"
    return error[1] if error else (printed.strip().splitlines() or ["failed and said nothing"])[-1]


def text_bytes(path):
    """All code of the object, None if it is none; templates have sections of their own."""
    listed = subprocess.run(["size", "-A", "-d", path], text=True, errors="replace", capture_output=True)
    return None if listed.returncode else sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", listed.stdout, re.MULTILINE))


def above(got, empty):
    """What it costs more than an empty include."""
    if got["status"] != "ok" or empty["status"] != "ok":
        return None
    return {key: got[key] - empty[key] for key in ("wall_seconds", "cpu_seconds", "peak_bytes")}


def misses(network, devices, planning, executor):
    """The measures of planning and of the executor that miss their targets, with sentences."""
    return planning_misses(network, devices, planning), executor_misses(network, devices, executor)


def executor_misses(network, devices, executor):
    most_text, seconds = EXECUTOR_TARGETS.get((network, devices), (None, None))
    if not seconds or executor["status"] == "skipped":
        return {}
    if executor["status"] != "ok":
        return {"status": f"its executor must compile in at most {seconds:g} s: {executor['message']}"}
    found = {}
    if executor["cpu_seconds"] > seconds:
        found["cpu_seconds"] = f"its executor must compile in at most {seconds:g} s, takes {executor['cpu_seconds']:.1f} s"
    if executor["text_bytes"] > most_text:
        found["text_bytes"] = (f"its executor must have at most {most_text / 1e3:.0f} KB of .text, "
                               f"has {executor['text_bytes'] / 1e3:.0f} KB")
    return found


def planning_misses(network, devices, planning):
    seconds, most_bytes = TARGETS.get((network, devices), (None, None))
    if not seconds:
        return {}
    if planning["status"] != "ok":
        return {"status": f"planning must take at most {seconds:g} s: {planning['message']}"}
    extra = planning["above"]
    if not extra:
        return {}
    found = {}
    if extra["cpu_seconds"] > seconds:
        found["cpu_seconds"] = f"planning must take at most {seconds:g} s, takes {extra['cpu_seconds']:.1f} s"
    if most_bytes and extra["peak_bytes"] > most_bytes:
        found["peak_bytes"] = (f"planning must need at most {most_bytes / 1e6:.0f} MB, "
                               f"needs {extra['peak_bytes'] / 1e6:.0f} MB")
    return found


class Table:
    """Rows are printed as they come: a full run takes long."""
    MEASURES = {"wall_seconds": ("wall s", 1, ".2f", 6), "cpu_seconds": ("CPU s", 1, ".2f", 6),
                "peak_bytes": ("MB", 1e6, ".0f", 5)}
    WIDTH = 41  # of the three measures

    def __init__(self, networks, compilers):
        self.networks = max(len(name) for name in [*networks, "empty include"])
        self.compilers = max(len(name) for name in [*(each.name for each in compilers), "compiler"])
        self.notes = {}

    def head(self):
        names = "".join(f"{name:>{width}}{'above':>{width + 1}} " for name, _, _, width in self.MEASURES.values())
        print(f"{'':{self.networks + self.compilers + 10}}{'':3}{'planning':{self.WIDTH}} rank 0's executor")
        self.line("network", "devices", "compiler", names, names + f"{'.text KB':>10}")

    def line(self, network, devices, compiler, planning, executor):
        row = f"{network:{self.networks}} {devices:>8} {compiler:{self.compilers}} {planning:{self.WIDTH}} {executor}"
        print(row.rstrip(), flush=True)

    def cells(self, got, missed):
        if got["status"] != "ok":
            return self.failure(got, missed)
        text = ""
        for key, (_, unit, form, width) in self.MEASURES.items():
            extra = got.get("above")
            text += f"{got[key] / unit:{width}{form}}"
            text += f"{extra[key] / unit:+{width + 1}{form}}" if extra else f"{'':{width + 1}}"
            text += "!" if key in missed else " "  # the reason is in the last lines
        return text

    def failure(self, got, missed):
        if got["status"] == "skipped":
            return "   not tried"
        mark = "!" if missed else ""
        if got["status"] == "time-out":
            return f"   {got['message']}{mark}"
        number = self.notes.setdefault(got["message"], len(self.notes) + 1)
        return f"   error [{number}]{mark}"

    def row(self, network, devices, compiler, planning, executor, missed):
        of_planning, of_executor = missed
        code = f"{executor['text_bytes'] / 1e3:10.1f}" if "text_bytes" in executor and network != "empty include" else ""
        code += "!" if "text_bytes" in of_executor else ""
        self.line(network, devices, compiler, self.cells(planning, of_planning), self.cells(executor, of_executor) + code)

    def foot(self, cells):
        for message, number in self.notes.items():
            print(f"[{number}] {message[:300]}")
        for cell in cells:
            for sentence in [*cell["misses"].values(), *cell["executor_misses"].values()]:
                print(f"! {cell['network']} × {cell['devices']}, {cell['compiler']}: {sentence}")
        for cell in cells:
            target = EXECUTOR_TARGETS.get((cell["network"], cell["devices"]))
            if target and "text_bytes" in cell["executor"] and not cell["executor_misses"]:
                print(f"{cell['network']} × {cell['devices']}, {cell['compiler']}: the executor has "
                      f"{cell['executor']['text_bytes'] / 1e3:.0f} of at most {target[0] / 1e3:.0f} KB of .text and compiles in "
                      f"{cell['executor']['cpu_seconds']:.1f} of at most {target[1]:g} s")


def arguments():
    known, strategies = zoo(), policies()

    def words(*choices, kind=str):
        def split(text):
            got = [kind(word) for word in text.split(",") if word]
            wrong = [str(word) for word in got if choices and word not in choices]
            if wrong or not got:
                known_words = f": known are {', '.join(map(str, choices))}" if choices else ""
                raise argparse.ArgumentTypeError(f"{text[:60]!r} does not name what there is{known_words}")
            return got
        return split

    def flags(text):
        try:
            return shlex.split(text)
        except ValueError as reason:
            raise argparse.ArgumentTypeError(f"{text[:60]!r}: {reason}") from None

    parser = argparse.ArgumentParser(prog="script/bench compile", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--networks", type=words(*known), default=list(known), metavar="A,B", help="default: all of the zoo: " + ", ".join(known))
    option("--devices", type=words(kind=number(int, 1, 64)), default=[1, 2, 4, 8], metavar="N,M", help="default: 1,2,4,8")
    option("--compilers", type=words(), metavar="A,B", help="default: g++ and clang++-16, if installed")
    option("--policy", choices=strategies, default="optimal", metavar="POLICY", help="default: optimal; " + ", ".join(strategies))
    option("--time-limit", type=number(float, 0.001, 10**6), default=120, metavar="SECONDS", help="of one compilation; default: 120")
    option("--memory-limit", type=number(int, 1, 10**9), default=8000, metavar="MB", help="of one compilation; default: 8000")
    option("--repeat", type=number(int, 1, 1000), default=1, metavar="N", help="the fastest of so many compilations counts; default: 1")
    option("--unlimited", action="store_true", help="lift the compilers' limits on constant evaluation")
    option("--plan-only", action="store_true", help="no executors")
    option("--flags", type=flags, default=[], metavar="FLAGS", help="more flags, as --flags=\"-march=native\"")
    option("--include", type=lambda text: [os.path.abspath(path) for path in text.split(";") if path], default=[], metavar="A;B",
           help="where Boost and xsimd are, if not with the compiler")
    option("--json", type=output, metavar="FILE", help="write all numbers to a file")
    options = parser.parse_args()
    options.zoo = known
    if not options.compilers:
        options.compilers = [name for name in ("g++", "clang++-16") if shutil.which(name)]
    missing = [name for name in options.compilers if not shutil.which(name)]
    if missing or not options.compilers:
        parser.error(f"no compiler {', '.join(missing) or 'g++ or clang++-16'} here")
    return options


def processor():
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the compiler is stopped, too
    compilers = [Compiler(command, options) for command in options.compilers]
    total = len(compilers) * (2 + len(options.networks) * len(options.devices) * (1 if options.plan_only else 2))
    done = 0

    def measure(compiler, template, mode, what, **words):
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            print(f"\r\033[K[{done}/{total}] {compiler.name}: {what} …", end="", file=sys.stderr, flush=True)
        got = compiler.compile(template, mode, **words)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        return got

    skipped = {"status": "skipped", "message": "not tried"}
    table = Table(options.networks, compilers)
    print(f"policy {options.policy}; devices of 10 GFLOP/s, 3 GB/s, 8 GiB; links of 100 Mbit/s, 2 ms; {processor()}")
    for compiler in compilers:
        print(f"{compiler.name}: {compiler.version}")
    print("\nabove: more than the empty include, compiled in the same way: planning with -fsyntax-only, executors with "
          f"{' '.join(['-O3', *FOR_CPU, '-c'])}\n")
    table.head()

    empty = {}
    for compiler in compilers:
        empty[compiler] = {mode: measure(compiler, "include", mode, "empty include") for mode in MODES}
        table.row("empty include", "", compiler.name, empty[compiler]["check"], empty[compiler]["object"], ({}, {}))

    cells = []
    for network in options.networks:
        for devices in options.devices:
            for compiler in compilers:
                what = f"{network} × {devices}"
                transport = "alone" if devices == 1 else "in_process"
                words = {"NETWORK": network, "HEADER": options.zoo[network], "DEVICES": devices, "POLICY": options.policy,
                         "TRANSPORT": "alone" if devices == 1 else "in_process_mesh", "TRANSPORT_HEADER": f"{transport}.hpp"}
                planning = measure(compiler, "plan", "check", f"{what}, plan", **words)
                planning["above"] = above(planning, empty[compiler]["check"])
                executor = dict(skipped)
                if options.plan_only:
                    pass
                elif planning["status"] == "ok":  # otherwise the executor would fail for the same reason
                    executor = measure(compiler, "executor", "object", f"{what}, executor", **words)
                    executor["above"] = above(executor, empty[compiler]["object"])
                else:
                    done += 1
                missed = misses(network, devices, planning, executor)
                table.row(network, devices, compiler.name, planning, executor, missed)
                cells.append({"network": network, "devices": devices, "compiler": compiler.name, "planning": planning,
                              "executor": executor, "misses": missed[0], "executor_misses": missed[1]})
    table.foot(cells)

    if options.json:
        report = {"policy": options.policy, "processor": processor(), "time_limit_seconds": options.time_limit,
                  "memory_limit_bytes": options.memory_limit * 10**6, "repeat": options.repeat,
                  "unlimited": options.unlimited,
                  "targets": [{"network": network, "devices": devices, "planning_seconds": seconds, "planning_bytes": most}
                              for (network, devices), (seconds, most) in TARGETS.items()],
                  "executor_targets": [{"network": network, "devices": devices, "text_bytes": most, "seconds": seconds}
                                       for (network, devices), (most, seconds) in EXECUTOR_TARGETS.items()],
                  "compilers": [{"name": each.name, "version": each.version, "flags": each.flags,
                                 "empty_include": empty[each]} for each in compilers],
                  "cells": cells}
        write(options.json, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    # A library that cannot even be included has no cost: that is a failure of this run.
    return 0 if all(got["status"] == "ok" for modes in empty.values() for got in modes.values()) else 1


if __name__ == "__main__":
    end(main)
