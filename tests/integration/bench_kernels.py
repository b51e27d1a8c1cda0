#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `script/bench kernels` for a moment on the smallest network and looks at its report; no times are tested.

usage: bench_kernels.py PROGRAMS     (the folder of the built programs)
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = pathlib.Path(sys.argv[1])


def run(*words):
    return subprocess.run(list(map(str, words)), text=True, capture_output=True, timeout=500)


class Kernels(unittest.TestCase):
    def test_measures(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "kernels.json")
            got = run(PROGRAMS / "bench_kernels", "--networks", "lenet5", "--repetitions", 1, "--seconds", 0.001, "--json", file)
            self.assertEqual(got.returncode, 0, got.stderr)
            rows = json.loads(file.read_text("utf-8"))
        self.assertEqual([row["operator"] for row in rows], ["conv2d", "max_pool"] * 2 + ["dense"] * 3)
        self.assertEqual(rows[0]["shape"], "1x28x28 > 6x28x28, 5x5, pad 2, relu")
        for row in rows:
            self.assertEqual(set(row), {"operator", "shape", "ms", "gflops", "share_of_peak", "share_of_bandwidth"})
            for number in "ms", "gflops", "share_of_peak", "share_of_bandwidth":
                self.assertGreater(row[number], 0)
            self.assertIn(row["shape"], got.stdout)

    def test_wrong_usage(self):
        for words in (["--networks", "lenet6"], ["--repetitions", "0"], ["--no-such"], ["--json", ""],
                      *(["--seconds", wrong] for wrong in ("0", "nan", "inf", "1e300", "x"))):
            got = run(PROGRAMS / "bench_kernels", *words)
            self.assertEqual((got.returncode, got.stdout), (2, ""), words)
            self.assertLess(len(got.stderr), 300)

    def test_outputs(self):
        """Are known to have a place before anything is measured."""
        got = run(PROGRAMS / "bench_kernels", "--json", "/nowhere/file")
        self.assertEqual((got.returncode, got.stdout, got.stderr), (1, "", "cannot write '/nowhere/file': No such file or directory\n"))

    def test_stdout(self):
        """Belongs to the numbers when they are asked for there."""
        got = run(PROGRAMS / "bench_kernels", "--networks", "lenet5", "--repetitions", 1, "--seconds", 0.001, "--json", "-")
        self.assertEqual(got.returncode, 0, got.stderr)
        for row in json.loads(got.stdout):
            self.assertIn(row["shape"], got.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
