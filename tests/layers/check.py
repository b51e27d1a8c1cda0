#!/usr/bin/env python3
"""Checks who includes whom below include/iop (CONTRIBUTING.md, Layers).

usage: check.py INCLUDE_DIR

1. A header includes only its own folder or folders above it in LAYERS; file/ stands beside them.
2. A third-party library is included only by its door; system headers (*.h) only by hosts' folders.
3. The layers that run on a device include no standard header that brings heap, threads, exceptions or streams.
4. iop.hpp and the device layers reach neither Asio nor the JSON library, by whatever way.
5. Own headers are included as <iop/...>, exist, and form no cycle.
"""
import re
import sys
from pathlib import Path

LAYERS = "core spec planner model zoo kernel comm deploy exec".split()
ALLOWED = {layer: set(LAYERS[: i + 1]) for i, layer in enumerate(LAYERS)}
ALLOWED["file"] = {"core", "spec", "file"}

DEVICE_LAYERS = [layer for layer in LAYERS if layer != "comm"]
HOST_LAYERS = ["comm", "file"]
DOORS = {  # first matching prefix of the included name -> headers that may include it
    "boost/hana": r"model/",
    "boost/asio": r"comm/tcp",
    "boost/system": r"comm/tcp",
    "xsimd/": r"kernel/simd\.hpp$",
    "nlohmann/": r"file/",
    "zlib.h": r"file/",
}
HOSTS_ONLY = ("boost/asio", "boost/system", "nlohmann/", "zlib.h")
NOT_ON_DEVICES = set(
    "any condition_variable deque exception filesystem forward_list fstream functional future iomanip ios iosfwd "
    "iostream istream list map memory memory_resource mutex ostream queue regex semaphore set shared_mutex sstream "
    "stack stdexcept stop_token streambuf string syncstream thread typeindex typeinfo unordered_map unordered_set "
    "vector".split()
)
# The search runs in the compiler and on hosts; what it allocates is gone when its plan is a constant.
SEARCH = re.compile(r"iop/planner/(choices|expansion|moves|search|staging)\.hpp$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes_of(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return INCLUDE.findall(text)


def check(root):
    """All violations below root, as sentences."""
    headers = {p.relative_to(root).as_posix(): includes_of(p.read_text("utf-8")) for p in sorted(root.rglob("*.hpp"))}
    problems = []

    def problem(header, sentence):
        problems.append(f"{header}: {sentence}")

    def folder_of(header):
        parts = header.split("/")
        return parts[1] if len(parts) > 2 else ""

    def reached_from(header):
        """Everything that header includes, directly or not, with one way to it."""
        way = {header: [header]}
        todo = [header]
        while todo:
            at = todo.pop()
            for _, name in headers.get(at, []):
                if name not in way:
                    way[name] = way[at] + [name]
                    todo.append(name)
        return way

    for header, includes in headers.items():
        folder = folder_of(header)
        if folder and folder not in ALLOWED:
            problem(header, f"folder {folder}/ is not in the list of layers")
            continue
        for bracket, name in includes:
            if bracket == '"':
                problem(header, f'includes "{name}": own headers are included as <iop/...>')
            elif name.startswith("iop/"):
                if name not in headers:
                    problem(header, f"includes <{name}>, which does not exist")
                elif folder and folder_of(name) not in ALLOWED[folder]:
                    problem(header, f"includes <{name}>: {folder}/ may include only {', '.join(sorted(ALLOWED[folder]))}")
            elif (door := next((d for d in DOORS if name.startswith(d)), None)) is not None:
                if not re.match(DOORS[door], header.removeprefix("iop/")):
                    problem(header, f"includes <{name}>: the door to {door.rstrip('/')} is {DOORS[door]}")
            elif name.endswith(".h"):
                if folder not in HOST_LAYERS:
                    problem(header, f"includes the system header <{name}>: only {', '.join(HOST_LAYERS)} may")
            elif "/" in name or "." in name:
                problem(header, f"includes <{name}>, a library without a door")
            elif name in NOT_ON_DEVICES and folder in DEVICE_LAYERS and not (name == "vector" and SEARCH.match(header)):
                problem(header, f"includes <{name}>: {folder}/ runs on devices, without heap, threads, exceptions, streams")

        if folder in DEVICE_LAYERS or header == "iop/iop.hpp":
            for name, way in reached_from(header).items():
                if name.startswith(HOSTS_ONLY) and len(way) > 2:
                    problem(header, f"reaches <{name}> through {' -> '.join(way[1:])}")

    state = {}

    def visit(header, way):
        state[header] = "open"
        for _, name in headers[header]:
            if state.get(name) == "open":
                problem(header, f"is part of a cycle: {' -> '.join(way[way.index(name):] + [name])}")
            elif name in headers and name not in state:
                visit(name, way + [name])
        state[header] = "done"

    for header in headers:
        if header not in state:
            visit(header, [header])
    return headers, problems


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    headers, problems = check(Path(sys.argv[1]))
    print("\n".join(problems) or f"{len(headers)} headers, no violation")
    sys.exit(1 if problems or not headers else 0)
