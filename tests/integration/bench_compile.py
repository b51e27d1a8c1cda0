#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `script/bench compile` on the smallest network and looks at its report; no times are tested. How it takes
compilers that fail or do not end is tried with compilers made for that.

usage: bench_compile.py COMPILER [INCLUDE_DIRS]      (a CMake list: a;b;c)
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

COMPILER = sys.argv[1]
INCLUDE_DIRS = sys.argv[2] if len(sys.argv) > 2 else ""
PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "bench" / "compile" / "run.py"
MEASURES = {"wall_seconds", "cpu_seconds", "peak_bytes"}


def ask(*words):
    return subprocess.run([sys.executable, "-B", PROGRAM, *map(str, words)], text=True, capture_output=True, timeout=500)


def report(compiler, *words):
    """The run, and what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "report.json")
        got = ask("--compilers", compiler, "--json", file, *words)
        return got, json.loads(file.read_text("utf-8"))


class Compile(unittest.TestCase):
    def test_measures(self):
        got, said = report(COMPILER, "--include", INCLUDE_DIRS, "--networks", "lenet5", "--devices", "1,2",
                           "--policy", "interleaved", "--time-limit", "200")
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        self.assertEqual(said["policy"], "interleaved")
        [compiler] = said["compilers"]
        for empty in compiler["empty_include"].values():
            self.assertEqual(empty["status"], "ok")
            self.assertGreater(empty["peak_bytes"], 10e6)
        self.assertEqual([(cell["network"], cell["devices"]) for cell in said["cells"]], [("lenet5", 1), ("lenet5", 2)])
        for cell in said["cells"]:
            self.assertEqual((cell["misses"], cell["executor_misses"]), ({}, {}))
            for part, mode in ("planning", "check"), ("executor", "object"):
                self.assertEqual(cell[part]["status"], "ok", cell)
                self.assertEqual(set(cell[part]["above"]), MEASURES)
                for measure in MEASURES:
                    self.assertGreater(cell[part][measure], 0)
                    self.assertAlmostEqual(cell[part]["above"][measure],
                                           cell[part][measure] - compiler["empty_include"][mode][measure])
            self.assertGreater(cell["executor"]["text_bytes"], 1000)
        self.assertEqual(len([line for line in got.stdout.splitlines() if line.startswith("lenet5 ")]), 2)

    def fake(self, folder, commands):
        """A compiler that knows the empty include, and does this with all else."""
        path = pathlib.Path(folder, "fake")
        path.write_text(f'#!/bin/sh\ncase "$*" in\n --version) echo fake 1; exit ;;\n *include.cpp)\n'
                        f'  for word; do [ "$word" != -c ] || exec {COMPILER} -c -o out.o -xc++ /dev/null; done; exit ;;\n'
                        f'esac\n{commands}\n')
        path.chmod(0o755)
        return path

    def test_error(self):
        with tempfile.TemporaryDirectory() as folder:
            got, said = report(self.fake(folder, "echo 'In file x:'; echo '/a/b.cpp:1:2: error: too hard' >&2; exit 1"),
                               "--networks", "vgg16", "--devices", "4")
        [cell] = said["cells"]
        self.assertEqual((got.returncode, cell["planning"]["status"], cell["planning"]["message"], cell["executor"]["status"]),
                         (0, "error", "b.cpp:1:2: error: too hard", "skipped"))
        self.assertEqual(list(cell["misses"]), ["status"])
        self.assertIn("[1] b.cpp:1:2: error: too hard\n", got.stdout)

    def test_time_out(self):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            got, said = report(self.fake(folder, "sleep 300 & wait"), "--networks", "lenet5", "--devices", "2",
                               "--time-limit", "5")
        self.assertLess(time.monotonic() - begin, 200)
        self.assertEqual((got.returncode, said["cells"][0]["planning"]["status"]), (0, "time-out"))
        self.assertIn("timed out after 5 s", got.stdout)

    def test_too_much_code(self):
        with tempfile.TemporaryDirectory() as folder:
            got, said = report(self.fake(folder, f"""case "$*" in *executor.cpp)
  echo 'asm(".text; .zero 500000");' | {COMPILER} -c -o out.o -xc++ - ;; esac"""), "--networks", "vgg16", "--devices", "1")
        [cell] = said["cells"]
        self.assertEqual((got.returncode, list(cell["misses"]), list(cell["executor_misses"])), (0, [], ["text_bytes"]))
        self.assertIn("vgg16 × 1, fake: its executor must have at most 400 KB of .text, has 500 KB\n", got.stdout)

    def test_no_object(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "silent")
            path.write_text("#!/bin/sh\nprintf '\\377\\n'\n")
            path.chmod(0o755)
            got, said = report(path, "--networks", "lenet5", "--devices", "1")
            self.assertEqual((got.returncode, got.stderr), (1, ""))  # an empty include makes an object, too
            self.assertEqual(said["compilers"][0]["empty_include"]["object"], {"status": "error", "message": "made no object"})
            file, others = pathlib.Path(folder, "report.json"), pathlib.Path(folder, "report.json.part")
            file.write_text("old")
            file.chmod(0o640)
            others.write_text("somebody's")
            words = "--compilers", path, "--networks", "lenet5", "--devices", "1"
            self.assertEqual(ask(*words, "--json", file).returncode, 1)
            self.assertEqual(json.loads(file.read_text("utf-8")).keys(), said.keys())
            self.assertEqual((file.stat().st_mode & 0o777, others.read_text()), (0o640, "somebody's"))
            self.assertEqual({each.name for each in pathlib.Path(folder).iterdir()}, {"silent", file.name, others.name})
            got = ask(*words, "--json", "-")  # stdout belongs to the numbers then
            self.assertEqual(json.loads(got.stdout).keys(), said.keys())
            self.assertIn("lenet5 ", got.stderr)
            path.write_text("neither script nor program\n")
            got = ask("--compilers", path)
            self.assertEqual((got.returncode, got.stdout, got.stderr), (1, "", f"{path}: Exec format error\n"))

    def test_wrong_usage(self):
        for words in (["--networks", "lenet6"], ["--devices", "0"], ["--devices", ","], ["--devices", "x"],
                      ["--compilers", "no-such"], ["--policy", "x"], ["--flags", "'"], ["--json", ""], ["--json", "/nowhere/file"],
                      *(["--time-limit", wrong] for wrong in ("0", "nan", "inf", "1e300", "x")),
                      ["--memory-limit", 10**20], ["--repeat", "0"]):
            got = ask(*words)
            self.assertEqual((got.returncode, got.stdout), (2, ""), got)
            self.assertIn("error: ", got.stderr)
            self.assertNotIn("invalid split", got.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
