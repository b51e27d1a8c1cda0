#!/usr/bin/env python3
"""Checks one file that must not compile, and whose error messages are part of the library.

usage: run.py CASE.cpp COMPILER_ID COMPILER [INCLUDE_DIRS]      (a CMake list: a;b;c)

The file says in comments what the compiler must print, and holds a twin that must compile:

    // error: a device's memory must hold its share        plain text
    // error: /need [0-9]+ bytes, has 64/                  a regular expression
    // error(gcc): ...        // error(clang): ...         for one compiler only
    // never: subscript                                    must not be printed: the consequence of a consequence
    #ifdef IOP_TWIN
    ... the same thing done right, compiled with -DIOP_TWIN
    #else
    ... the mistake
    #endif

Every such text must appear in what the compiler prints. Lines of source that it quotes do not count, so the text
cannot be found in the code that merely contains it.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

EXPECTED = re.compile(r"^//\s*error(?:\((gcc|clang)\))?:\s*(.+?)\s*$", re.MULTILINE)
JOINED = re.compile(r"^//.*\S\s+(?:error\((?:gcc|clang)\)|never):.*$", re.MULTILINE)  # by a formatter
UNWANTED = re.compile(r"^//\s*never:\s*(.+?)\s*$", re.MULTILINE)


def squeeze(text):
    return " ".join(text.split())


def is_in(text, printed):
    is_regex = len(text) > 2 and text[0] == text[-1] == "/"
    return bool(re.search(text[1:-1], printed)) if is_regex else squeeze(text) in printed


def check(case, compiler_id, compiler, include_dirs):
    """The mistakes found in the case, as sentences; empty when all is well."""
    source = case.read_text("utf-8")
    joined = JOINED.search(source)
    if joined:
        return [f"has two texts in one line: {joined.group()}"]
    kind = "clang" if "Clang" in compiler_id else "gcc"
    expected = [text for only, text in EXPECTED.findall(source) if only in ("", kind)]
    if not expected:
        return [f"has no line `// error: ...` for {kind}"]
    if not re.search(r"^\s*#\s*ifn?def\s+IOP_TWIN\b", source, re.MULTILINE):
        return ["has no twin (`#ifdef IOP_TWIN`)"]

    quiet = "-fno-caret-diagnostics" if kind == "clang" else "-fno-diagnostics-show-caret"
    command = [compiler, "-std=c++20", "-fsyntax-only", quiet, "-fdiagnostics-color=never", "-fmessage-length=0"]
    command += [f"-I{folder}" for folder in include_dirs if folder]

    def compile_with(*flags):
        return subprocess.run([*command, *flags, str(case)], text=True, encoding="utf-8", errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C"})

    mistakes = []
    twin = compile_with("-DIOP_TWIN")
    if twin.returncode != 0:
        mistakes.append(f"the twin does not compile:\n{twin.stdout}")
    wrong = compile_with()
    if wrong.returncode == 0:
        mistakes.append("compiles, and must not")
    printed = squeeze(wrong.stdout)
    for text in expected:
        if not is_in(text, printed) and wrong.returncode != 0:
            mistakes.append(f"expected: {text}\nprinted:\n{wrong.stdout}")
    for text in UNWANTED.findall(source):
        if is_in(text, printed):
            mistakes.append(f"not expected: {text}\nprinted:\n{wrong.stdout}")
    return mistakes


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    case = Path(sys.argv[1])
    mistakes = check(case, sys.argv[2], sys.argv[3], sys.argv[4].split(";") if len(sys.argv) == 5 else [])
    for mistake in mistakes:
        print(f"{case.name}: {mistake}")
    sys.exit(1 if mistakes else 0)
