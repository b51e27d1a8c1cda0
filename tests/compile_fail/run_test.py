#!/usr/bin/env python3
"""run.py accepts a sound case and notices each way in which a case can be wrong.

usage: run_test.py COMPILER_ID COMPILER
"""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
from run import check

COMPILER_ID, COMPILER = sys.argv[1:3]

# The assertion sits in a function template, since -fsyntax-only must still instantiate it.
SOUND = """// error: sizes must agree
// error: /sizes .* agree/
// error(gcc): static assertion failed
// error(clang): static assertion failed
template <int N> void f() { static_assert(N == 2, "sizes must agree"); }
#ifdef IOP_TWIN
void user() { f<2>(); }
#else
void user() { f<3>(); }
#endif
"""


def mistakes(source):
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder, "case.cpp")
        case.write_text(source)
        return "\n".join(check(case, COMPILER_ID, COMPILER, []))


class Run(unittest.TestCase):
    def test_sound(self):
        self.assertEqual(mistakes(SOUND), "")

    def test_other_text(self):
        self.assertIn("expected: sizes must match", mistakes(SOUND.replace("// error: sizes must agree", "// error: sizes must match")))

    def test_text_only_quoted_from_the_source(self):
        self.assertIn("expected: f<3>(); // here", mistakes("// error: f<3>(); // here\n" + SOUND.replace("f<3>();", "f<3>(); // here")))

    def test_unwanted_text(self):
        self.assertEqual(mistakes("// never: sizes may differ\n" + SOUND), "")
        self.assertIn("not expected: must agree", mistakes("// never: must agree\n" + SOUND))

    def test_compiles(self):
        self.assertIn("compiles, and must not", mistakes(SOUND.replace("f<3>", "f<2>")))

    def test_broken_twin(self):
        self.assertIn("the twin does not compile", mistakes(SOUND.replace("f<2>", "f<4>")))

    def test_incomplete(self):
        self.assertIn("has no line", mistakes(SOUND.replace("error", "mistake")))
        self.assertIn("has no twin", mistakes(SOUND.replace("IOP_TWIN", "OTHER")))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
