#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs iop-calibrate: on this board, and on two ends of a loopback link. What it writes must be what iop-plan and a compiler
read. No speeds are tested, but that there are some.

usage: calibrate.py PROGRAMS COMPILER INCLUDES     (PROGRAMS: the folder of the built programs; INCLUDES: with ; between)
"""
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = pathlib.Path(sys.argv[1]).resolve()
COMPILER = sys.argv[2]
INCLUDES = [f"-I{folder}" for folder in sys.argv[3].split(";")]
CALIBRATE = PROGRAMS / "iop-calibrate"


def start(*words):
    return subprocess.Popen(list(map(str, words)), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(*words):
    process = start(*words)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Calibrate(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def compiles(self, header, assertion):
        source = self.folder / "use.cpp"
        source.write_text(f'#include "{header.name}"\nstatic_assert({assertion});\n')
        self.assertEqual(run(COMPILER, "-std=c++20", "-fsyntax-only", *INCLUDES, source), (0, "", ""))

    def planned(self, cluster):
        path = self.folder / "cluster.json"
        path.write_text(json.dumps(cluster))
        status, out, err = run(PROGRAMS / "iop-plan", "--network", "lenet5", "--policy", "interleaved", "--cluster", path, "--json", "-")
        self.assertEqual(status, 0, err)
        return json.loads(out)["cluster"]

    def test_board(self):
        profile, header = self.folder / "camera.json", self.folder / "camera.hpp"
        status, table, err = run(CALIBRATE, "--seconds", 0, "--name", "camera", "--memory", "256MiB", "--json", profile, "--header", header)
        self.assertEqual((status, err), (0, ""))
        for kind in "3x3 ", "11x11 / 4", "depthwise", "Winograd", "dense", "max_pool":
            self.assertRegex(table, rf"(?m){re.escape(kind)}.* [+-]\d+%$")  # with what the model leaves
        made = json.loads(profile.read_text())
        for rate in "flops", "memory_bandwidth", "winograd_flops", "depthwise_flops", "narrow_flops":
            self.assertGreater(made[rate], 1e7, rate)
        self.assertIn(json.loads(table.splitlines()[-1]), [made])
        link = {"bandwidth": "100Mbit", "message_time": "1ms"}
        read = self.planned({"devices": [made, {**made, "name": "hub"}], "link": link})["devices"]
        self.assertEqual([each["name"] for each in read], ["camera", "hub"])
        for key, value in made.items():
            self.assertEqual(read[0][key], value, key)
        self.compiles(header, f"camera.memory.bytes == 256 << 20 && camera.compute.flops_per_second == {made['flops']} && "
                              f"camera.winograd.flops_per_second == {made['winograd_flops']} && "
                              f"camera.narrow.flops_per_second == {made['narrow_flops']} && camera.channel_step == {made['channel_step']} && "
                              "camera.skips_padding")

    def test_small(self):
        """Other networks, and a profile of the same keys."""
        status, out, err = run(CALIBRATE, "--seconds", 0, "--small", "--json", "-")
        self.assertEqual(status, 0)
        self.assertRegex(err, r"(?m)^dense 16x6x6 > 128x1x1 ")
        self.assertNotIn("224", err)
        for rate in "flops", "memory_bandwidth", "winograd_flops", "depthwise_flops", "narrow_flops":
            self.assertGreater(json.loads(out)[rate], 1e7, rate)

    def test_link(self):
        peers = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
        profile, header = self.folder / "wire.json", self.folder / "wire.hpp"
        other = start(CALIBRATE, "--link", 1, "--peers", peers)
        status, table, err = run(CALIBRATE, "--link", 0, "--peers", peers, "--name", "wire", "--json", profile, "--header", header)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual((*other.communicate(timeout=30), other.returncode), ("", "", 0))
        self.assertGreater(len(re.findall(r"(?m)^ +\d+ +[\d.]+ +[+-]\d+%$", table)), 5)
        made = json.loads(profile.read_text())
        self.assertGreater(made["bandwidth"], 1e6)
        self.assertLess(made["message_time"], 0.1)
        device = {"name": "one", "flops": "1G", "memory_bandwidth": "1GB", "memory": "1GiB"}
        read = self.planned({"devices": [device, {**device, "name": "other"}], "link": made})["link"]
        self.assertEqual({key: read[key] for key in made}, made)
        self.compiles(header, f"wire.bandwidth.bytes_per_second == {made['bandwidth']}")

    def test_what_cannot_be(self):
        peers = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
        status, out, err = run(CALIBRATE, "--link", 0, "--peers", peers, "--time-out", 200)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"^[^\n]+\n$")
        # Known before anything is measured.
        self.assertEqual(run(CALIBRATE, "--seconds", 3600, "--json", "/nowhere/camera.json"),
                         (1, "", "cannot write '/nowhere/camera.json': No such file or directory\n"))
        with open("/dev/full", "w") as full:
            process = subprocess.run([CALIBRATE, "--seconds", "0", "--small", "--json", "-"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual((process.returncode, process.stderr.splitlines()[-1]), (1, "cannot write to stdout: No space left on device"))
        link = ["--link", 0, "--peers", peers]
        for words in (["--link", 0], ["--link", 2, "--peers", peers], ["--memory", "much"], ["--peers", peers], ["--time-out", 200],
                      *(["--seconds", wrong] for wrong in (-1, "nan", "inf", "1e300", "")),
                      *(["--name", wrong] for wrong in ("2 boards", "", "class", "co_await", "iop", "_x", "a__x", "x" * 41)),
                      *([*link, *words] for words in (["--time-out", -1], ["--time-out", 0], ["--time-out", 2**64], ["--small"], ["--seconds", 1])),
                      *(["--link", 0, "--peers", wrong] for wrong in ("[]:1,[]:2", "[::1:1,[::1]:2", "hub:1,hub:1", "hub:1")),
                      ["--json", ""], ["--header", ""], ["--json", "-", "--header", "-"], ["--json", "x", "--header", "./x"]):
            status, out, err = run(CALIBRATE, *words)
            self.assertEqual((status, out), (2, ""), words)
            self.assertLess(len(err), 300)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
