# SPDX-License-Identifier: MIT
"""What the benchmarks in Python have in common in reading their command lines and in writing results: numbers within
bounds, which nan never is; outputs that are known to have a place before the work, and that replace what was there only
when they are whole; and failures as one sentence on stderr.
"""
import argparse
import os
import sys
from pathlib import Path


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
    """A type for argparse: the path of a file that can be written."""
    path = Path(text)
    if not text or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a file")
    folder = path.resolve().parent
    if not path.exists() and not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{str(folder)!r} is not a folder")
    for each in ([path] if path.exists() else []) + ([folder] if not path.exists() or path.is_file() else []):
        if not os.access(each, os.W_OK):
            raise argparse.ArgumentTypeError(f"{str(each)!r} cannot be written")
    return path


def write(path, text):
    """To a file beside it first; what is no file, as a pipe, is written itself."""
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8")
        return
    target = path.resolve()
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(text, "utf-8")
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
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
