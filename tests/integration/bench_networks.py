#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `script/bench networks` for a moment on the smallest network and looks at its report; no times are tested.

usage: bench_networks.py PROGRAMS     (the folder of the built programs)
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = pathlib.Path(sys.argv[1])
RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "networks" / "run.py"
NETWORKS = [sys.executable, "-B", RUN, "--programs", PROGRAMS]


def run(*words):
    return subprocess.run(list(map(str, words)), text=True, capture_output=True, timeout=500)


class Networks(unittest.TestCase):
    def test_stdout(self):
        """Belongs to the numbers when they are asked for there."""
        got = run(*NETWORKS, "--networks", "lenet5", "--engines", "iop", "--rounds", 1, "--round-seconds", 0.001, "--json", "-")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual([row["engine"] for row in json.loads(got.stdout)], ["iop"])
        self.assertIn("\nlenet5        iop ", got.stderr)

    def test_measures(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "networks.json")
            got = run(*NETWORKS, "--networks", "lenet5", "--rounds", 1, "--round-seconds", 0.001, "--json", file)
            self.assertEqual((got.returncode, got.stderr), (0, ""))
            rows = json.loads(file.read_text("utf-8"))
        self.assertEqual((rows[0]["network"], rows[0]["engine"]), ("lenet5", "iop"))
        measured = {row["engine"] for row in rows}
        for row in rows:
            self.assertEqual(set(row), {"network", "engine", "median_ms", "min_ms", "max_ms", "peak_resident_bytes"})
            self.assertGreater(row["min_ms"], 0)
            self.assertLessEqual(row["min_ms"], row["median_ms"])
            self.assertLessEqual(row["median_ms"], row["max_ms"])
            self.assertGreater(row["peak_resident_bytes"], 1e6)
        [roofline] = [line for line in got.stdout.splitlines() if line.startswith("lenet5        roofline ")]
        self.assertRegex(roofline, r"roofline [0-9.e-]+ ms, .*\([0-9.]+ GFLOP/s, reading [0-9.]+ GB/s\): iop takes [1-9][0-9.]* times")
        # An engine is measured, with the same scores as iop, or it is said why it is not.
        for engine in "iop", "onnxruntime", "onednn_direct", "onednn_winograd", "xnnpack", "opencv":
            [line] = [line for line in got.stdout.splitlines() if line.split()[:2] == ["lenet5", engine]]
            if engine in measured:
                self.assertLess(float(line.split()[-1]), 1e-5, line)
            else:
                self.assertIn(" skipped: ", line)

    def test_missing_engine(self):
        with tempfile.TemporaryDirectory() as folder:
            got = run(*NETWORKS, "--programs", folder, "--folder", folder, "--networks", "lenet5", "--rounds", 1)
        self.assertEqual((got.returncode, got.stderr), (1, ""))  # it is iop that has to be there
        self.assertEqual(got.stdout.count("script/bootstrap --bench installs it"), 5)

    def test_broken_engine(self):
        """One sentence says what an engine did instead of answering."""
        says = 'echo \'{"scores": [1], "stated_bytes": 5}\''
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "bench_networks_iop_lenet5")
            for script, mode, sentence in (("", 0o644, "Permission denied"), ("neither\n", 0o755, "Exec format error"),
                                           ("#!/bin/sh\nprintf '\\377\\n'\n", 0o755, "gives no answer but"),
                                           ("#!/bin/sh\necho []\n", 0o755, "says something else than its scores"),
                                           (f"#!/bin/sh\n{says}\nwhile read n; do echo 0; done\n", 0o755, "answers 0 where"),
                                           (f"#!/bin/sh\n{says}\nwhile read n; do echo nan; done\n", 0o755, "answers nan where"),
                                           (f"#!/bin/sh\n{says}\nexit 4\n", 0o755, "failed with 4: it says nothing")):
                program.unlink(missing_ok=True)
                program.write_text(script)
                program.chmod(mode)
                got = run(*NETWORKS, "--programs", folder, "--folder", folder, "--networks", "lenet5", "--engines", "iop", "--rounds", 1)
                self.assertEqual((got.returncode, got.stderr), (1, ""))
                self.assertRegex(got.stdout, f"skipped: bench_networks_iop_lenet5:? {sentence}")
            program.write_text(f"#!/bin/sh\n{says}\nfor i in 1 2; do read n; echo 1; done; exit 4\n")
            got = run(*NETWORKS, "--programs", folder, "--folder", folder, "--networks", "lenet5", "--engines", "iop", "--rounds", 1)
            self.assertEqual((got.returncode, got.stderr), (1, "bench_networks_iop_lenet5 failed with 4: it says nothing\n"))
            got = run(*NETWORKS, "--programs", folder, "--folder", program, "--networks", "lenet5")
            self.assertEqual((got.returncode, got.stderr), (1, f"{program}/networks: Not a directory\n"))
            with open("/dev/full", "w") as full:
                got = subprocess.run([*map(str, NETWORKS), "--programs", folder, "--folder", folder, "--networks", "lenet5"],
                                     stdout=full, stderr=subprocess.PIPE, text=True, timeout=500)
            self.assertEqual((got.returncode, got.stderr), (1, "cannot write: No space left on device\n"))

    def test_wrong_usage(self):
        for words in (["--networks", "lenet6"], ["--engines", "no-such"], ["--rounds", "0"], ["--rounds", 2**64],
                      *(["--round-seconds", wrong] for wrong in ("-1", "nan", "inf", "1e300", "x")),
                      ["--json", ""], ["--json", "/nowhere/file"], ["--json", "/"]):
            got = run(*NETWORKS, *words)
            self.assertEqual((got.returncode, got.stdout), (2, ""), got)
            self.assertIn("error: ", got.stderr)
            self.assertNotIn("invalid", got.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
