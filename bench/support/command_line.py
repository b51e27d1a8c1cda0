# SPDX-License-Identifier: MIT
"""What the benchmarks in Python have in common in reading their command lines and in writing results: numbers within
bounds, which nan never is; outputs that are known to have a place before the work, and that replace what was there only
when they are whole; and failures as one sentence on stderr.
"""
import argparse
import os
import stat
import sys
import tempfile
from pathlib import Path

STDOUT = Path("-")


class Failed(Exception):
    """Why a program cannot go on, or an engine cannot take part."""


def number(kind, least, most):
    """A type for argparse: an int or a float from `least` to `most`."""
    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is not {what} from {least} to {most}")
        return value
    return read


def output(text):
    """A type for argparse: the path of a file that can be written; "-": stdout, which then belongs to it."""
    path = Path(text)
    if is_stdout(path):
        sys.stdout = sys.stderr  # tables are for people
        return STDOUT
    if not text or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a file")
    folder = path.resolve().parent
    if not path.exists() and not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{str(folder)!r} is not a folder")
    for each in ([path] if path.exists() else []) + ([folder] if not path.exists() or path.is_file() else []):
        if not os.access(each, os.W_OK):
            raise argparse.ArgumentTypeError(f"{str(each)!r} cannot be written")
    return path


def is_stdout(path):
    """By whichever name. Of devices only a terminal: two outputs may well go to /dev/null."""
    if path == STDOUT:
        return True
    try:
        named, opened = path.stat(), os.fstat(1)
    except OSError:
        return False
    return os.path.samestat(named, opened) and (not stat.S_ISCHR(opened.st_mode) or os.isatty(1))


def write(path, text):
    """To a new file beside it first; what is no file, as a pipe, is written itself."""
    if path == STDOUT:
        if sys.__stdout__ is None:
            raise Failed("stdout is closed")
        print(text, end="", file=sys.__stdout__, flush=True)
        return
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8")
        return
    target = path.resolve()
    umask = os.umask(0o077)
    os.umask(umask)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask
    handle, part = tempfile.mkstemp(prefix=".part-", dir=target.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(part, mode)
        os.replace(part, target)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise


def end(main):
    """Ends the program with the status that main returns, or 1."""
    try:
        status = main()
        if sys.stdout is None:
            raise Failed("stdout is closed")
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except Failed as reason:
        status = str(reason)
    except OSError as reason:
        status = f"{reason.filename}: {reason.strerror}" if reason.filename else f"cannot write: {reason.strerror}"
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # a second complaint, at exit, would help nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
