#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the program that iop_dispatch was called for, and its forms for each instruction set, here and on an old CPU.

usage: run.py PROGRAM
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
V3 = pathlib.Path(f"{PROGRAM}.x86-64-v3")
V4 = pathlib.Path(f"{PROGRAM}.x86-64-v4")
FLAGS = set(re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)[1].split())
HAS_V3 = {"avx2", "fma", "bmi1", "bmi2"} <= FLAGS
HAS_V4 = HAS_V3 and {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= FLAGS


def run(*words):
    """Floats of a register, and scores."""
    got = subprocess.run([*words, "a word"], text=True, capture_output=True, timeout=100)
    assert got.returncode == 0, got
    lanes, argument, *scores = got.stdout.splitlines()
    assert argument == "argument a word", got
    return int(lanes.removeprefix("lanes ")), [float(score) for score in scores]


def registers(program):
    """The kinds of vector registers in its code: x, y, z."""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], text=True, capture_output=True, check=True).stdout
    return set(re.findall(r"%([xyz])mm", code))


class Dispatch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.alone = pathlib.Path(folder.name, "alone")  # with nobody beside it that it could become
        shutil.copy(PROGRAM, self.alone)

    def same(self, scores, expected):
        self.assertEqual(len(scores), 10)
        largest = max(map(abs, expected))
        for score, other in zip(scores, expected):
            self.assertAlmostEqual(score, other, delta=1e-5 * largest)

    def test_code(self):
        self.assertEqual((registers(PROGRAM), "z" in registers(V3), "y" in registers(V3), "z" in registers(V4)),
                         ({"x"}, False, True, True))

    def test_best_of_this_cpu(self):
        _, expected = run(self.alone)
        lanes, scores = run(PROGRAM)
        self.assertEqual(lanes, 16 if HAS_V4 else 8 if HAS_V3 else 4)
        self.same(scores, expected)

    def test_next_best(self):
        lanes, expected = run(self.alone)
        self.assertEqual(lanes, 4)
        if HAS_V3:
            shutil.copy(V3, f"{self.alone}.x86-64-v3")
            lanes, scores = run(self.alone)
            self.assertEqual(lanes, 8)
            self.same(scores, expected)

    @unittest.skipUnless(shutil.which("qemu-x86_64"), "qemu-user is not here")
    def test_old_cpu(self):
        _, expected = run(self.alone)
        for cpu in "qemu64", "Nehalem":
            lanes, scores = run("qemu-x86_64", "-cpu", cpu, PROGRAM)
            self.assertEqual(lanes, 4)
            self.same(scores, expected)
        if HAS_V3:  # it becomes another program, which the kernel runs on this CPU
            self.assertEqual(run("qemu-x86_64", "-cpu", "Haswell", PROGRAM)[0], 8)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
