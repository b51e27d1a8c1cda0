#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the LeNet-5 demo and its devices, in good conditions and bad ones: wrong words, broken files, strangers as peers,
Ctrl-C, and devices that are killed in mid-inference.

usage: demo.py FOLDER_OF_PROGRAMS NUMBERS_OF_DEVICES [TEST...]     such as 2,3,4: what the demo is built for
"""
import gzip
import json
import os
import pathlib
import random
import re
import signal
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

FOLDER = pathlib.Path(sys.argv.pop(1)).resolve()
DEVICES = [int(number) for number in sys.argv.pop(1).split(",")]
SOURCE = pathlib.Path(__file__).resolve().parents[2]
WEIGHTS = SOURCE / "examples/lenet5/weights/fashion-mnist.safetensors"
POLICIES = ["single_device", "output_channel", "coedge", "interleaved"]
MARK = f"IOP_DEMO_TEST={uuid.uuid4()}"  # in the environment of all processes that this test starts
ENVIRONMENT = dict(os.environ, **dict([MARK.split("=")]))
PATIENCE = 120  # seconds, far more than anything here takes


def leftovers():
    """The processes started here, by this script or its children, that still run."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and MARK.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass  # another user's, or gone meanwhile
    return found


def demo(*words):
    return subprocess.run([FOLDER / "lenet5-demo", *map(str, words)], env=ENVIRONMENT, text=True, capture_output=True,
                          timeout=PATIENCE)


class Device:
    """One device process, driven as the demo drives it, or given its peers on the command line."""

    def __init__(self, rank, *words, devices=2, policy="interleaved", time_out=1000, launched=True):
        command = [FOLDER / f"lenet5-device-{devices}-{rank}", "--policy", policy, "--time-out", str(time_out)]
        self.process = subprocess.Popen(command + ["--launched"] * launched + list(map(str, words)), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=ENVIRONMENT)

    def port(self):
        return int(re.fullmatch(r"port (\d+)\n", self.process.stdout.readline())[1])

    def meet(self, ports):
        self.process.stdin.write(",".join(f"127.0.0.1:{port}" for port in ports) + "\n")
        self.process.stdin.flush()

    def end(self):
        """Exit status, last line of stdout, stderr."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, (out.splitlines() or [""])[-1], err.strip()


def with_numbers(weights, change):
    """The weights file with changed floats: `change` gets the list of all and changes it in place."""
    bytes_ = WEIGHTS.read_bytes()
    start = 8 + int.from_bytes(bytes_[:8], "little")
    numbers = list(struct.unpack(f"<{(len(bytes_) - start) // 4}f", bytes_[start:]))
    change(numbers)
    weights.write_bytes(bytes_[:start] + struct.pack(f"<{len(numbers)}f", *numbers))
    return weights


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class DemoTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def tearDown(self):
        self.assertEqual(leftovers(), [])

    def refused(self, status, pattern, *words):
        got = demo(*words)
        self.assertEqual(got.returncode, status, got)
        self.assertRegex(got.stderr, pattern)
        self.assertEqual(got.stdout, "")

    def run_shell(self, *words, redirect):
        """A program with its streams redirected as the shell does it: exit status, stdout, stderr."""
        command = shlex.join(map(str, words)) + " " + redirect
        got = subprocess.run(["sh", "-c", command], env=ENVIRONMENT, text=True, capture_output=True, timeout=PATIENCE)
        return got.returncode, got.stdout, got.stderr

    def staged(self, rank, script):
        """A copy of the demo for two devices, of which one is a shell script; "$0.real" is that device's program."""
        for name in "lenet5-demo", "lenet5-device-2-0", "lenet5-device-2-1":
            shutil.copy(FOLDER / name, self.folder / name)
        device = self.folder / f"lenet5-device-2-{rank}"
        device.rename(f"{device}.real")
        device.write_text(f"#!/bin/sh\n{script}\n")
        device.chmod(0o755)
        began = time.monotonic()
        got = subprocess.run([self.folder / "lenet5-demo", "--devices", "2", "--images", "20", "--time-out", "1000"],
                             env=ENVIRONMENT, text=True, capture_output=True, timeout=PATIENCE)
        return got, time.monotonic() - began

    def test_policies_agree(self):
        for devices in DEVICES:
            file = self.folder / f"{devices}.json"
            got = demo("--images", 200, "--devices", devices, "--json", file)
            self.assertEqual((got.returncode, got.stderr), (0, ""))
            self.assertIn("unequal classes: 0 of 200", got.stdout)
            table = json.loads(file.read_text())
            self.assertEqual(set(table), {"devices", "images", "policies"})
            self.assertEqual((table["devices"], table["images"]), (devices, 200))
            self.assertEqual([row["policy"] for row in table["policies"]], POLICIES)
            for row in table["policies"]:
                self.assertEqual(set(row), {"policy", "accuracy", "agreement", "exchanges", "messages", "bytes",
                                            "latency_p50_ms", "latency_p99_ms", "ranks"})
                self.assertEqual(row["agreement"], 200)
                self.assertGreater(row["accuracy"], 0.85)
                self.assertGreater(row["latency_p50_ms"], 0)
                self.assertGreaterEqual(row["latency_p99_ms"], row["latency_p50_ms"])
                self.assertEqual(row["messages"] > 0, row["policy"] != "single_device")
                self.assertLessEqual(row["exchanges"], row["messages"])
                self.assertEqual(len(row["ranks"]), devices)
                for each in row["ranks"]:
                    self.assertEqual(set(each), {"weight_bytes", "arena_bytes", "peak_resident_bytes"})
                    self.assertLess(each["weight_bytes"] + each["arena_bytes"], each["peak_resident_bytes"])

    def test_wrong_usage(self):
        for words in (["--images", "0"], ["--images", "-1"], ["--images", "10001"], ["--images", "many"],
                      ["--images", "1.5"], ["--images", "0x10"], ["--images", ""], ["--images"], ["--devices", "9"],
                      ["--devices", "two"], ["--json", ""], ["--json="], ["--bogus"], ["stray"]):
            with self.subTest(words):
                self.refused(2, r"\S", *words)

    def test_broken_files(self):
        truncated = self.folder / "truncated.safetensors"
        truncated.write_bytes(WEIGHTS.read_bytes()[:100_000])
        self.refused(1, r"rank \d.*truncated\.safetensors.*truncated", "--weights", truncated)
        noise = self.folder / "noise.safetensors"
        noise.write_bytes(random.Random(1).randbytes(5000))
        self.refused(1, r"rank \d.*noise\.safetensors", "--weights", noise)
        self.refused(1, r"camera \(rank 0\): .*t10k-images", "--data", self.folder)
        for name in "images-idx3", "labels-idx1":
            (self.folder / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(b"no images"))
        self.refused(1, r"camera \(rank 0\): .*t10k-images.*not an IDX file", "--data", self.folder)

    def test_json_has_stdout_alone(self):
        got = demo("--images", 20, "--devices", DEVICES[0], "--json", "-")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual([row["policy"] for row in json.loads(got.stdout)["policies"]], POLICIES)
        self.assertIn(f"LeNet-5 on {DEVICES[0]} devices", got.stderr)

    def test_unwritable_json(self):
        got = demo("--images", 1, "--json", self.folder / "missing/table.json")
        self.assertEqual((got.returncode, got.stdout), (1, ""))  # found out before the run
        self.assertIn("cannot write", got.stderr)

    def test_json_survives_a_failed_run(self):
        kept = self.folder / "table.json"
        kept.write_text("old")
        new = self.folder / "new.json"
        for file in kept, new:
            self.refused(1, "nowhere", "--images", 1, "--devices", 2, "--json", file, "--weights", self.folder / "nowhere")
        self.assertEqual(kept.read_text(), "old")
        self.assertFalse(new.exists())

    def test_decimal_numbers(self):
        file = self.folder / "table.json"
        self.assertEqual(demo("--images", "010", "--devices", "02", "--json", file).returncode, 0)
        self.assertEqual(json.loads(file.read_text())["images"], 10)

    def test_lost_stdout(self):
        program = FOLDER / "lenet5-demo"
        for words in ["--images", "1", "--devices", "2"], ["--help"]:
            for redirect in "> /dev/full", ">&-":
                with self.subTest(words=words, redirect=redirect):
                    status, _, err = self.run_shell(program, *words, redirect=redirect)
                    self.assertEqual(status, 1)
                    self.assertIn("cannot write to stdout", err)
        device = FOLDER / "lenet5-device-2-0"
        self.assertEqual(self.run_shell(device, "--help", redirect="> /dev/full")[0], 1)

    def test_lost_stderr(self):
        for redirect in "2> /dev/full", "2>&-", "2>&- <&-":
            with self.subTest(redirect):
                words = ["--images", "1", "--devices", "2"]
                self.assertEqual(self.run_shell(FOLDER / "lenet5-demo", *words, redirect=redirect)[0], 0)
                words += ["--weights", self.folder / "nowhere"]
                self.assertEqual(self.run_shell(FOLDER / "lenet5-demo", *words, redirect=redirect)[0], 1)
                words = ["--policy", "coedge", "--launched"]  # with nobody to name the peers
                self.assertEqual(self.run_shell(FOLDER / "lenet5-device-2-0", *words, redirect=redirect)[0], 1)

    def test_closed_terminal(self):
        ours, theirs = os.openpty()
        running = subprocess.Popen([FOLDER / "lenet5-demo", "--devices", "2"], env=ENVIRONMENT, stdout=theirs,
                                   stderr=theirs, stdin=theirs)
        os.close(theirs)
        os.read(ours, 1)  # the progress bar
        os.close(ours)
        self.assertIn(running.wait(PATIENCE), (1, -signal.SIGHUP, 128 + signal.SIGHUP))

    def test_device_stalled_at_its_start(self):
        got, took = self.staged(1, "exec sleep 1000")
        self.assertEqual((got.returncode, got.stdout), (1, ""))
        self.assertEqual(got.stderr, "hub (rank 1): did not start in time and was stopped\n")
        self.assertLess(took, 10)

    def test_device_stalled_at_its_end(self):
        got, took = self.staged(1, '"$0.real" "$@"; exec sleep 1000')  # of a device without work
        self.assertEqual((got.returncode, got.stdout), (1, ""))
        self.assertEqual(got.stderr, "hub (rank 1): did not end in time and was stopped\n")
        self.assertLess(took, 10)

    def test_device_stalled_in_its_work(self):
        got, took = self.staged(0, '"$0.real" "$@" | sed -u /result/d; exec sleep 1000')
        self.assertEqual((got.returncode, got.stdout), (1, ""))
        self.assertEqual(got.stderr, "camera (rank 0): did not end in time and was stopped\n")
        self.assertLess(took, 20)

    def test_peer_of_another_plan(self):
        pair = [Device(0, policy="interleaved"), Device(1, policy="coedge")]
        ports = [each.port() for each in pair]
        for each in pair:
            each.meet(ports)
        for rank, each in enumerate(pair):
            status, _, sentence = each.end()
            self.assertEqual(status, 1)
            self.assertRegex(sentence, rf"^rank {1 - rank} at .* runs plan 0x\w+, this rank {rank} runs plan 0x\w+")

    def test_peer_with_other_weights(self):
        def nudge(numbers):
            numbers[1000] += 0.5
        other = with_numbers(self.folder / "other.safetensors", nudge)
        pair = [Device(0), Device(1, "--weights", other)]
        ports = [each.port() for each in pair]
        for each in pair:
            each.meet(ports)
        for rank, each in enumerate(pair):
            status, _, sentence = each.end()
            self.assertEqual(status, 1)
            self.assertRegex(sentence, rf"^rank {1 - rank} at .* has weights 0x\w+, this rank {rank} has weights 0x\w+: "
                                       "give both the same weights$")

    def test_weights_that_are_no_numbers(self):
        def spoil(numbers):
            numbers[-1] = float("nan")
        spoiled = with_numbers(self.folder / "spoiled.safetensors", spoil)
        self.refused(1, r"camera \(rank 0\): image 1 of 20: the score of class \d is nan; check the weights",
                     "--images", 20, "--devices", 2, "--weights", spoiled)

    def test_missing_peer(self):
        for rank in 0, 1:
            alone = Device(rank, time_out=300)
            ports = [free_port(), free_port()]
            ports[rank] = alone.port()
            alone.meet(ports)
            status, _, sentence = alone.end()
            self.assertEqual(status, 1)
            self.assertRegex(sentence, rf"^rank {1 - rank} at 127.0.0.1:{ports[1 - rank]} is still missing after 300 ms")

    def test_without_launcher(self):
        ports = [free_port(), free_port()]
        peers = ",".join(f"127.0.0.1:{port}" for port in ports)
        pair = [Device(r, "--peers", peers, "--count", 50, launched=False, time_out=10_000) for r in (0, 1)]
        for rank, each in enumerate(pair):
            status, last, sentence = each.end()
            self.assertEqual((status, sentence), (0, ""))
            result = json.loads(last.removeprefix("result "))
            self.assertEqual(len(result.get("classes", "")), 50 if rank == 0 else 0)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            status, _, sentence = Device(1, "--peers", f"127.0.0.1:1,127.0.0.1:{port}", launched=False).end()
        self.assertEqual(status, 1)
        self.assertRegex(sentence, rf"^cannot listen on port {port} of 127.0.0.1: .*in use")

    def test_device_usage(self):
        for words in ([], ["--peers", "here"], ["--peers", "a:1"], ["--peers", "a:1,b:99999"],
                      ["--peers", "a:1,b:0"], ["--peers", "a:1,b\n:2"], ["--peers", "a:1,b:2", "--count", "0"],
                      ["--peers", "a:1,b:2", "--listen", "b"]):
            with self.subTest(words):
                status, _, sentence = Device(1, *words, launched=False).end()
                self.assertEqual(status, 2)
                self.assertRegex(sentence, r"\S")
        status, _, sentence = Device(1, "--peers", "a:1", launched=False).end()
        self.assertEqual(status, 2)
        self.assertRegex(sentence, r"--peers names 1 devices, needed are [234]\b")
        status, _, sentence = Device(1, "--peers", "a:1,b:2", policy="foo", launched=False).end()
        self.assertEqual(status, 2)
        self.assertRegex(sentence, r"--policy: foo not in .*output_channel")
        self.assertTrue(sentence.replace("\n", " ").isprintable(), sentence)

    def test_garbled_peers(self):
        device = Device(1)
        device.port()
        device.process.stdin.write("a:1,b\0c:2\n")
        status, _, sentence = device.end()
        self.assertEqual((status, sentence), (1, "'b?c:2' is not HOST:PORT with a port of 1 to 65535"))

    def test_launcher_gone(self):
        device = Device(1)
        device.port()
        status, _, sentence = device.end()  # closes its stdin
        self.assertEqual((status, sentence), (1, "the launcher has gone without naming the peers"))

    def start_demo(self):
        """The demo, once its devices run."""
        running = subprocess.Popen([FOLDER / "lenet5-demo"], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        while len(leftovers()) < 4:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.5))
        return running

    def test_stopped(self):
        for number in signal.SIGINT, signal.SIGTERM:
            running = self.start_demo()
            running.send_signal(number)
            out, err = running.communicate(timeout=10)
            self.assertEqual((running.returncode, out, err), (128 + number, "", f"stopped by signal {number:d}\n"))
            self.assertEqual(leftovers(), [])

    def test_demo_killed(self):
        running = self.start_demo()
        running.kill()
        running.communicate()
        deadline = time.monotonic() + 5
        while leftovers() and time.monotonic() < deadline:
            time.sleep(0.01)

    def test_device_of_the_demo_killed(self):
        running = self.start_demo()
        children = pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children")
        victim = None
        while victim is None:  # the second device, of whichever policy runs
            pids = [int(each) for each in children.read_text().split()]
            victim = pids[1] if len(pids) == 3 else None
        os.kill(victim, signal.SIGKILL)
        out, err = running.communicate(timeout=30)
        self.assertEqual((running.returncode, out), (1, ""))
        self.assertIn("hub (rank 1): was killed by signal 9", err)

    def test_kill_50_times(self):
        chance = random.Random()
        time_out = 1.0
        for attempt in range(50):
            devices = [Device(rank, devices=3, time_out=int(1000 * time_out)) for rank in range(3)]
            ports = [each.port() for each in devices]
            for each in devices:
                each.meet(ports)
            time.sleep(chance.uniform(0, 0.3))
            victim = chance.randrange(3)
            devices[victim].process.kill()
            killed = time.monotonic()
            for rank, each in enumerate(devices):
                status, last, sentence = each.end()
                took = time.monotonic() - killed
                with self.subTest(attempt=attempt, victim=victim, rank=rank):
                    if rank == victim:
                        self.assertEqual(status, -signal.SIGKILL)
                        continue
                    self.assertEqual(status, 1, last)
                    self.assertRegex(sentence, r"\brank \d")
                    self.assertLess(took, time_out + 1)  # for connecting; and a loaded machine


if __name__ == "__main__":
    unittest.main()
