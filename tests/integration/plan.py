#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Asks iop-plan about networks on clusters, recomputes what it says from its JSON alone by the formulas of the cost
model, written down here a second time, and says wrong things to it.

usage: plan.py PROGRAM [TEST...]
"""
import itertools
import json
import math
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
POLICIES = ["single_device", "output_channel", "coedge", "coedge_oc", "fused_spatial", "interleaved", "optimal"]
FLOAT = 4

UNLIKE = {
    "devices": [
        {"name": "camera", "flops": "2G", "memory_bandwidth": "1GB/s", "memory": "1GiB", "channel_step": 8},
        {"name": "hub", "flops": 10e9, "memory_bandwidth": 3e9, "memory": 2 << 30},
        {"name": "sensör", "flops": "500MFLOPs", "memory_bandwidth": "800M", "memory": "768 MiB", "channel_step": 4},
        {"name": "phone <b>", "flops": "20GFLOP/s", "memory_bandwidth": "8G", "memory": "4GB", "channel_step": 16,
         "winograd_flops": "45G", "depthwise_flops": 5e9, "narrow_flops": "15G", "skips_padding": True}],
    "link": {"bandwidth": "54Mbit/s", "message_time": "2ms"},
    "links": [{"between": ["camera", "hub"], "bandwidth": "1Gbit", "message_time": "150us"},
              {"between": [3, 2], "message_time": 0.004}],
    "input_rank": 2, "output_rank": 1}
WIFI = dict(UNLIKE, link=dict(UNLIKE["link"], shared_medium=True),
            links=[{"between": ["camera", "hub"], "message_time": "1ms"}])


def ask(*words):
    return subprocess.run([PROGRAM, *map(str, words)], text=True, capture_output=True, timeout=300)


def answer(*words):
    got = ask(*words, "--json", "-")
    assert got.returncode == 0 and re.match(r"\w+ on \d device", got.stderr), (words, got.stderr)  # the table
    return json.loads(got.stdout)


# The cost model, a second time: plain formulas on the numbers of the JSON.

def link_between(cluster, a, b):
    """Bandwidth and seconds per message."""
    found = dict(cluster.get("link", {}))
    for link in cluster.get("links", []):
        if set(link["between"]) == {a, b}:
            found.update(link)
    return found["bandwidth"], found["message_time"]


def exchange_seconds(cluster, messages):
    shared = cluster.get("link", {}).get("shared_medium", False)
    longest = 0
    for rank in range(len(cluster["devices"])):
        set_up, moving = [0, 0], [0, 0]
        for *ends, size in messages:
            bandwidth, message_time = link_between(cluster, *ends)
            for side in range(2):
                if ends[side] == rank:
                    set_up[side] += message_time
                    moving[side] += size / bandwidth
        longest = max(longest, max(set_up) + (0 if shared else max(moving)))
    return longest + (sum(size for _, _, size in messages) / cluster["link"]["bandwidth"] if shared else 0)


def elements(box, width):
    return 0 if box is None else math.prod(end - begin for begin, end in (box["rows"], box["channels"])) * width


def taps_inside(op, axis, outputs):
    """Taps of the outputs along one axis that fall on the input."""
    kernel, stride, dilation = (op[key][axis] for key in ("kernel", "stride", "dilation"))
    first = -op["pad"][("top", "left")[axis]]
    return sum(0 <= first + out * stride + tap * dilation < op["in"][("height", "width")[axis]]
               for out in outputs for tap in range(kernel))


def work(op, device, share):
    """FLOPs and bytes of one rank's share of an operator."""
    out, taken = share["output"], share["inputs"]
    if out is None:
        return 0, 0
    outs, made = out["channels"][1] - out["channels"][0], elements(out, op["out"]["width"])
    weights = 0
    if op["kind"] in ("conv2d", "dense"):
        ins = (taken[0]["channels"][1] - taken[0]["channels"][0] if op["groups"] == 1 else
               op["in"]["channels"] // op["groups"])
        weights = outs * ins * math.prod(op["kernel"])
    read = sum(elements(box, op["in"]["width"]) for box in taken)
    positions = made // outs
    stored = 4 * weights if share["winograd"] else weights
    taps = math.prod(op["kernel"]) * positions
    if share["winograd"]:  # whole tiles of 4 x 4
        width = op["out"]["width"]
        taps = 9 * 16 * math.ceil(positions / width / 4) * math.ceil(width / 4)
    elif device.get("skips_padding") and op["kind"] == "conv2d" and op["in"]["channels"] > 4 and op["groups"] < op["in"]["channels"]:
        taps = taps_inside(op, 0, range(*out["rows"])) * taps_inside(op, 1, range(op["out"]["width"]))
    multiply_adds = weights // math.prod(op["kernel"]) * taps if weights else 0
    return 2 * multiply_adds, FLOAT * (stored + outs * op["bias"] + read + made)


def rate(op, device, share):
    """FLOP/s of a device on its share of an operator."""
    is_conv = op["kind"] == "conv2d"
    if share["winograd"]:
        own = device.get("winograd_flops")
    elif is_conv and op["groups"] > 1 and op["groups"] == op["in"]["channels"]:
        own = device.get("depthwise_flops")
    elif is_conv and op["groups"] == 1 and op["in"]["channels"] <= 4:
        own = device.get("narrow_flops")
    else:
        own = 0
    return own or device["flops"]


def filling(op, device, share):
    """How much longer vectors take that are filled in part."""
    if op["kind"] != "conv2d" or op["in"]["channels"] == 1 or share["output"] is None:
        return 1
    begin, end = share["output"]["channels"]
    step = device["channel_step"]
    return math.ceil((end - begin) / step) * step / (end - begin)


class PlanTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, content):
        path = self.folder / "cluster.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def close(self, a, b):
        self.assertTrue(math.isclose(a, b, rel_tol=1e-9), f"{a} != {b}")

    def check_segment(self, table, step):
        devices, network = table["cluster"]["devices"], table["network"]["operators"]
        busy = [0.0] * len(devices)
        for op in step["operators"]:
            self.assertEqual(op["name"], network[op["operator"]]["name"])
            self.assertEqual(len(op["ranks"]), len(devices))
            for rank, share in enumerate(op["ranks"]):
                flops, size = (0, 0) if op["fused"] else work(network[op["operator"]], devices[rank], share)
                self.assertEqual((share["flops"], share["bytes"]), (flops, size), op["name"])
                self.assertLessEqual(share["winograd"], (network[op["operator"]]["kernel"], network[op["operator"]]["stride"],
                                                         network[op["operator"]]["groups"]) == ([3, 3], [1, 1], 1))
                seconds = max(flops * filling(network[op["operator"]], devices[rank], share) / rate(network[op["operator"]], devices[rank], share),
                              size / devices[rank]["memory_bandwidth"])
                self.close(seconds, share["seconds"])
                busy[rank] += seconds
        for rank, whole in enumerate(step["ranks"]):
            self.close(busy[rank], whole["seconds"])
            for what in "flops", "bytes":
                self.assertEqual(whole[what], sum(op["ranks"][rank][what] for op in step["operators"]))
        return max(busy)

    def check_plan(self, table, plan):
        sums = {"segment": 0.0, "exchange": 0.0}
        messages = []
        computed = []
        for before, step in itertools.pairwise([{"kind": None}, *plan["steps"]]):
            if step["kind"] == "segment":
                self.assertNotEqual(before["kind"], "segment")
                seconds = self.check_segment(table, step)
                computed += [op["operator"] for op in step["operators"]]
            else:
                seconds = exchange_seconds(table["cluster"], step["messages"])
                messages += step["messages"]
                self.assertIn(step["collective"], ("all_gather", "reduce_scatter", "all_reduce", "reduce", "gather",
                                                   "broadcast", "scatter", "halo_exchange", "all_to_all"))
                for rank in step["ranks"]:
                    self.assertLessEqual(rank["seconds"], seconds * (1 + 1e-9))
            self.close(seconds, step["seconds"])
            sums[step["kind"]] += seconds
        self.assertEqual(computed, list(range(1, len(table["network"]["operators"]))))
        self.close(sums["segment"] + sums["exchange"], plan["makespan_seconds"])
        self.assertEqual(plan["exchanges"], sum(step["kind"] == "exchange" for step in plan["steps"]))
        self.assertEqual(plan["messages"], len(messages))
        self.assertEqual(plan["bytes"], sum(size for _, _, size in messages))
        fits = True
        for device, rank in zip(table["cluster"]["devices"], plan["ranks"], strict=True):
            self.assertLessEqual(rank["buffer_bytes"], rank["arena_bytes"])
            fits = fits and rank["weight_bytes"] + rank["arena_bytes"] <= device["memory"]
        self.assertEqual(plan["fits"], fits)
        self.assertEqual("problem" in plan, not fits)

    def check(self, table):
        self.assertEqual(list(table), ["network", "cluster", "plans"])
        self.assertEqual([plan["policy"] for plan in table["plans"]], POLICIES)
        for plan in table["plans"]:
            with self.subTest(network=table["network"]["name"], policy=plan["policy"]):
                self.check_plan(table, plan)

    def networks(self):
        return re.search(r"--network \S*\{(.*?)\}", ask("--help").stdout)[1].split(",")

    def test_equal_devices(self):
        for devices in range(1, 9):
            table = answer("--network", "lenet5", "--devices", devices, "--message-time", "500us")
            self.assertEqual(len(table["cluster"]["devices"]), devices)
            self.check(table)

    def test_every_network(self):
        self.assertTrue({"lenet5", "alexnet", "vgg11"} <= set(self.networks()))
        for network in self.networks():
            table = answer("--network", network, "--memory", "2GiB")
            self.assertEqual(table["network"]["name"], network)
            names = [op["name"] for op in table["network"]["operators"]]
            self.assertEqual(len(set(names)), len(names))
            self.check(table)

    def test_unlike_devices(self):
        for cluster in UNLIKE, WIFI:
            for network in "lenet5", "alexnet", "vgg11":
                table = answer("--network", network, "--cluster", self.file(cluster))
                self.check(table)
                self.assertEqual(table["cluster"]["devices"][2], {
                    "name": "sensör", "flops": 5e8, "memory_bandwidth": 8e8, "memory": 768 << 20, "channel_step": 4})
                self.assertEqual(link_between(table["cluster"], 0, 1),
                                 (54e6 / 8, 1e-3) if cluster is WIFI else (1e9 / 8, 150e-6))
                self.assertEqual((table["cluster"]["input_rank"], table["cluster"]["output_rank"]), (2, 1))
                again = answer("--network", network, "--cluster", self.file(table["cluster"]))
                self.assertEqual(again, table)

    def test_readme(self):
        """The cluster and the commands of the README."""
        readme = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
        cluster = self.file(re.search(r"```json\n(.*?)```", readme, re.S)[1])
        commands = re.findall(r"(?m)^build/bin/iop-plan (.*)$", readme)
        self.assertGreater(len(commands), 1)
        for command in commands:
            words = command.replace("porch.json", str(cluster)).replace("plan.html", str(self.folder / "plan.html"))
            self.assertEqual(ask(*words.split()).returncode, 0, command)

    def test_shared_medium(self):
        words = ["--network", "alexnet", "--devices", 4]
        table = answer(*words, "--shared-medium")
        self.check(table)
        for plan, wired in zip(table["plans"], answer(*words)["plans"]):
            if plan["policy"] == wired["policy"] != "single_device":
                self.assertNotEqual(plan["makespan_seconds"], wired["makespan_seconds"])

    def test_one_policy(self):
        for policy in POLICIES:
            words = ["--network", "vgg11", "--policy", policy, "--memory", "1GiB"]
            plan, = answer(*words)["plans"]
            table = ask(*words).stdout
            self.assertIn(f"vgg11 on 3 devices, policy {policy}\n", table)
            self.assertIn(f"makespan {1e3 * plan['makespan_seconds']:.3f} ms", table)
            for step in plan["steps"]:
                names = [op["name"] for op in step["operators"]] if step["kind"] == "segment" else [step["collective"]]
                for name in names:
                    self.assertRegex(table, rf"(?m)^ *{name}\b")

    def test_units(self):
        for words, path, value in (
                (["--flops", "10e9"], ("devices", 0, "flops"), 10e9), (["--flops", "10G"], ("devices", 0, "flops"), 10e9),
                (["--flops", ".5 TFLOP/s"], ("devices", 0, "flops"), 5e11),
                (["--memory-bandwidth", "3e9"], ("devices", 1, "memory_bandwidth"), 3e9),
                (["--memory-bandwidth", "3GB/s"], ("devices", 1, "memory_bandwidth"), 3e9),
                (["--memory-bandwidth", "24Gbit"], ("devices", 1, "memory_bandwidth"), 3e9),
                (["--memory", "256MiB"], ("devices", 2, "memory"), 256 << 20),
                (["--memory", "256M"], ("devices", 2, "memory"), 256_000_000),
                (["--memory", "1000000 B"], ("devices", 2, "memory"), 1_000_000),
                (["--bandwidth", "100Mbit"], ("link", "bandwidth"), 12.5e6),
                (["--bandwidth", "1.25e7"], ("link", "bandwidth"), 12.5e6),
                (["--bandwidth", "100Mbps"], ("link", "bandwidth"), 12.5e6),
                (["--bandwidth", "12.5MB/s"], ("link", "bandwidth"), 12.5e6),
                (["--message-time", "2ms"], ("link", "message_time"), 2e-3),
                (["--message-time", "500us"], ("link", "message_time"), 500e-6),
                (["--message-time", "0"], ("link", "message_time"), 0),
                (["--message-time", "0.25"], ("link", "message_time"), 0.25)):
            with self.subTest(words):
                found = answer("--network", "lenet5", "--policy", "coedge", *words)["cluster"]
                for key in path:
                    found = found[key]
                self.close(found, value)

    def refused(self, status, pattern, *words):
        with self.subTest(words):
            got = ask(*words)
            self.assertEqual(got.returncode, status, got)
            self.assertRegex(got.stderr, pattern)
            return got

    def test_wrong_usage(self):
        for words in ([], ["--network"], ["--network", "vgg12"], ["--network", "lenet5", "stray"],
                      ["--network", "lenet5", "--bogus"], ["--network", "lenet5", "--policy", "best"],
                      ["--network", "lenet5", "--shared-medium=7"],
                      ["--network", "lenet5", "--devices", "0"], ["--network", "lenet5", "--devices", "9"],
                      *(["--network", "lenet5", "--devices", wrong] for wrong in ("two", "nan", "", "9" * 400)),
                      ["--network", "lenet5", "--cluster", "file", "--devices", "2"],
                      ["--network", "lenet5", "--cluster", "file", "--shared-medium"]):
            self.assertEqual(self.refused(2, r"\S", *words).stdout, "")
        self.refused(2, r"^--network: a\?\[31m\?\?b\? not in", "--network", "a\33[31m\x9b\nb\u202e")
        for option, written in (("flops", "10Q"), ("flops", "fast"), ("flops", "-1"), ("flops", "10 "),
                                ("flops", "inf"), ("flops", "nan"), ("flops", "1e999"), ("flops", "10GB"),
                                ("memory", "256Mib"), ("memory", "1e17"), ("memory", "2ms"), ("bandwidth", "100M"),
                                ("bandwidth", "100Mb"), ("bandwidth", "0x10"), ("message-time", "2Ms"),
                                ("message-time", "2kms"), ("message-time", "1e"), ("message-time", "1e300"),
                                ("flops", "5e-324"), ("flops", "1e300"), ("bandwidth", "0.5"), ("memory-bandwidth", "3 G B")):
            self.refused(2, re.escape(f"--{option}: '{written}' is "), "--network", "lenet5", f"--{option}={written}")

    def test_impossible(self):
        self.refused(1, r"^device 'device0' \(rank 0\) has no speed: .*\n$", "--network", "lenet5", "--flops", "0")
        self.refused(1, r"^device 'device0' \(rank 0\) has no link to device 'device1' \(rank 1\): .*\n$",
                     "--network", "lenet5", "--bandwidth", "0")
        got = self.refused(1, r"^device 'device0' \(rank 0\) needs \d+ bytes under policy output_channel \(weights \d+, "
                           r"arena \d+\) but has 65536: \d+ bytes too few, all devices lack \d+; .*\n$",
                           "--network", "lenet5", "--memory", "64KiB", "--policy", "output_channel")
        self.assertIn("too small", got.stdout)
        self.refused(1, r"^device .* bytes too few, all devices lack \d+; .*\n$", "--network", "vgg11", "--memory", "1MiB")
        # One policy that fits is an answer.
        got = ask("--network", "vgg11", "--memory", "300MiB")
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        self.assertRegex(got.stdout, r"single_device .* no ")
        self.assertRegex(got.stdout, r"output_channel .* yes ")

    def test_wrong_clusters(self):
        def changed(path, value):
            """UNLIKE with another value at the path; None takes it away."""
            whole = json.loads(json.dumps(UNLIKE))
            *folders, last = path
            inner = whole
            for key in folders:
                inner = inner[key]
            inner[last] = value
            if value is None:
                del inner[last]
            return whole

        for cluster, pattern in (
                ("", "is not JSON"), ("{", "is not JSON"), ('{"devices": [1e999]}', "is not JSON"),
                ([], "the top level: must be an object, but is array"),
                (changed(["devices"], None), "devices: is missing"),
                (changed(["devices"], {}), "devices: must be an array, but is object"),
                (changed(["devices"], []), "devices: must be 1 to 8 devices, but are 0"),
                (changed(["devices"], 3 * UNLIKE["devices"]), "devices: must be 1 to 8 devices, but are 12"),
                (changed(["devices", 1], 7), r"devices\[1\]: must be an object, but is number"),
                (changed(["devices", 1, "name"], None), r"devices\[1\].name: is missing"),
                (changed(["devices", 1, "name"], 1), r"devices\[1\].name: must be a string, but is number"),
                (changed(["devices", 1, "name"], ""), r"devices\[1\].name: must be 1 to 40"),
                *((changed(["devices", 1, "name"], f"a{control}b"), r"devices\[1\].name: must be 1 to 40")
                  for control in "\n\x7f\x9b\u2028\u202e\u2066"),
                (changed(["devices", 1, "name"], "camera"), r"devices\[1\].name: is 'camera', as devices\[0\]"),
                (changed(["devices", 1, "ram"], 1), r"devices\[1\].ram: is not known here: the keys are name, flops"),
                (changed(["devices", 1, "flops"], "fast"), r"devices\[1\].flops: 'fast' is not a compute rate"),
                (changed(["devices", 1, "flops"], True), r"devices\[1\].flops: must be a number or a string"),
                (changed(["devices", 1, "flops"], -1), r"devices\[1\].flops: '-1' is not a compute rate"),
                (changed(["devices", 1, "flops"], 0), r"device 'hub' \(rank 1\) has no speed"),
                (changed(["devices", 1, "memory"], None), r"devices\[1\].memory: is missing"),
                (changed(["devices", 1, "channel_step"], 0), r"devices\[1\].channel_step: must be a whole number from 1"),
                *((changed(["devices", 1, "channel_step"], wrong), rf"devices\[1\].channel_step: must be .*, but is {re.escape(str(wrong))}\.")
                  for wrong in (1.5, 1.0, 1e300)),
                (changed(["devices", 1, "flops"], 5e-324), "flops: '5e-324' is not a compute rate that there is: 0, or from 1 to 1e\\+18"),
                (changed(["link", "message_time"], 1e308), "message_time: '1e.308' is not a time that there is: 0, or from"),
                (changed(["devices", 1, "flops"], "2G\0\33"), r"devices\[1\].flops: '2G\?\?' is not a compute rate: write"),
                (changed(["devices", 1, "flops"], "9" * 5000), r"devices\[1\].flops: '...9{57}' is not a compute rate: write"),
                (changed(["devices", 1, ""], 1), r"devices\[1\].'': is not known here"),
                (changed(["\n\0"], 1), r"json: \?\?: is not known here"),
                ('{"devices": ["' + "x" * 5000, r"line 1, column \d+.*last read: \.\.\.x{56}'\n"),
                ('{"link": {}, "devices": [], "link": {}}', "an object has the key 'link' twice"),
                (changed(["links", 1, "between"], ["hub", "camera"]), r"links\[1\].between: names 'hub' and 'camera', which have"),
                (changed(["link"], None), r"links\[1\].bandwidth: is missing"),
                (changed(["links"], None) | {"link": {}}, "link.bandwidth: is missing"),
                (changed(["link", "bandwidth"], "100M"), "link.bandwidth: '100M' is not a bandwidth"),
                (changed(["link", "bandwidth"], 0), "device '.*' .* has no link to device"),
                (changed(["link", "shared_medium"], 1), "link.shared_medium: must be true or false, but is number"),
                (changed(["link", "shared_medium"], True), r"links\[0\].bandwidth: cannot differ on a shared medium"),
                (changed(["links", 0, "between"], None), r"links\[0\].between: is missing"),
                (changed(["links", 0, "between"], ["hub"]), r"links\[0\].between: must name two devices, but has 1"),
                (changed(["links", 0, "between"], ["hub", 1]), r"links\[0\].between: must name two devices, but names"),
                (changed(["links", 0, "between"], ["hub", "hut"]), r"links\[0\].between\[1\]: is 'hut', but no device"),
                (changed(["links", 0, "between"], ["hub", 4]), r"links\[0\].between\[1\]: must be a whole number"),
                (changed(["input_rank"], 4), "input_rank: must be a whole number from 0 to 3, but is 4"),
                (changed(["output_rank"], -1), "output_rank: must be a whole number from 0 to 3, but is -1"),
                (changed(["rank"], 0), "rank: is not known here: the keys are devices, link, links")):
            path = self.file(cluster)
            got = self.refused(1, pattern, "--network", "lenet5", "--cluster", path)
            self.assertEqual((got.stdout, got.stderr.count("\n")), ("", 1))
            self.assertTrue(got.stderr.startswith((f"{path}: ", "device '")), got.stderr)
        no_links = {"devices": UNLIKE["devices"][:2]}
        self.refused(1, r"^device 'camera' \(rank 0\) has no link to device 'hub'", "--network", "lenet5", "--cluster",
                     self.file(no_links))
        alone = {"devices": UNLIKE["devices"][:1]}
        self.assertEqual(ask("--network", "lenet5", "--cluster", self.file(alone)).returncode, 0)
        self.refused(1, "missing.json: cannot be opened", "--network", "lenet5", "--cluster", self.folder / "missing.json")
        self.refused(1, "^/: cannot be read: Is a directory.\n$", "--network", "lenet5", "--cluster", "/")

    def test_files(self):
        path = self.folder / "plan.json"
        got = ask("--network", "lenet5", "--json", path)
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        self.assertEqual(json.loads(path.read_text()), answer("--network", "lenet5"))
        self.assertEqual(ask("--network", "alexnet", "--json", path).returncode, 0)
        self.assertEqual(json.loads(path.read_text())["network"]["name"], "alexnet")
        self.assertEqual([each.name for each in self.folder.iterdir()], ["plan.json"])
        for option in "--json", "--html":
            loop = self.folder / f"loop{option}"
            loop.symlink_to(loop)
            for place in self.folder / "missing" / "file", path / "file", self.folder, self.folder / (300 * "x"), loop:
                got = self.refused(1, "^cannot write '.*': [^\n]*\n$", "--network", "lenet5", option, place)
                self.assertEqual(got.stdout, "")  # known before anything is planned
        for files in ["--json", "a"], ["--json", "a", "--html", "b"], ["--cluster", "a", "--html", "b"]:
            gone = self.folder / "gone"
            gone.mkdir()
            got = subprocess.run(f'cd {gone}; rmdir {gone}; {PROGRAM} --network lenet5 {" ".join(files)}', shell=True, text=True,
                                 capture_output=True)
            self.assertEqual((got.returncode, got.stdout), (1, ""))
            self.assertRegex(got.stderr, "^cannot write '[ab]': No such file or directory\n$")
        self.refused(1, "^cannot write '/dev/full': No space left on device\n$", "--network", "lenet5", "--json", "/dev/full")

    def test_nothing_is_overwritten(self):
        cluster = self.file(UNLIKE)
        link = self.folder / "link"
        link.symlink_to(cluster)
        new = self.folder / "new"
        for words in (["--cluster", cluster, "--json", cluster], ["--cluster", cluster, "--header", link, "--policy", "coedge"],
                      ["--cluster", link, "--html", f"{self.folder}/./cluster.json"], ["--json", new, "--html", new],
                      ["--json", "-", "--html", "-"], ["--json", "-", "--html", "/dev/stdout"],
                      *([option, ""] for option in ("--cluster", "--json", "--html", "--header"))):
            got = self.refused(2, r"^--\w+: must ", "--network", "lenet5", *words)
            self.assertEqual(got.stdout, "")
        self.assertEqual(json.loads(cluster.read_text()), UNLIKE)
        self.assertFalse(new.exists())
        # Nor files beside, whatever their names.
        beside = self.folder / "new.part"
        beside.symlink_to(cluster)
        self.assertEqual(ask("--network", "lenet5", "--json", new).returncode, 0)
        self.assertEqual((json.loads(cluster.read_text()), beside.is_symlink()), (UNLIKE, True))
        new.unlink()
        beside.unlink()
        # A write that fails leaves what was there: files may have 1000 bytes.
        old = self.folder / "old.html"
        old.write_text("old")
        got = subprocess.run([PROGRAM, "--network", "lenet5", "--html", old], text=True, capture_output=True, restore_signals=False,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
        self.assertEqual((got.returncode, got.stderr), (1, f"cannot write '{old}': File too large\n"))
        self.assertEqual((old.read_text(), sorted(each.name for each in self.folder.iterdir())),
                         ("old", ["cluster.json", "link", "old.html"]))

    def test_links_are_followed(self):
        """Also one to what is not there yet."""
        inner = self.folder / "inner"
        inner.mkdir()
        (self.folder / "first").symlink_to("second")
        (self.folder / "second").symlink_to("inner/plan.json")
        self.refused(2, "^--html: must name another", "--network", "lenet5", "--json", self.folder / "first", "--html", inner / "plan.json")
        for _ in range(2):
            self.assertEqual(ask("--network", "lenet5", "--json", self.folder / "first").returncode, 0)
            self.assertEqual([each.name for each in inner.iterdir()], ["plan.json"])
            self.assertTrue((self.folder / "first").is_symlink() and (self.folder / "second").is_symlink())

    def test_stdout(self):
        """What is asked for there has it alone; that it takes nothing is an error."""
        got = ask("--network", "lenet5", "--policy", "coedge", "--header", "-")
        self.assertTrue(got.stdout.startswith("// Made by iop-plan"))
        self.assertTrue(got.stderr.startswith("lenet5 on 3 devices, policy coedge\n"))
        path = self.folder / "all"
        for name in "-", "/dev/stdout", path:
            with open(path, "w") as into:
                got = subprocess.run([PROGRAM, "--network", "lenet5", "--json", name], text=True, stdout=into, stderr=subprocess.PIPE)
            self.assertTrue(got.stderr.startswith("lenet5 on 3 devices\n"), got.stderr)
            self.assertEqual(json.loads(path.read_text())["network"]["name"], "lenet5")
        for words in [], ["--json", "-"], ["--help"]:
            with open("/dev/full", "w") as full:
                got = subprocess.run([PROGRAM, "--network", "lenet5", *words], text=True, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual((got.returncode, got.stderr.splitlines()[-1].partition(":")[0]), (1, "cannot write to stdout"))
        got = subprocess.run(f"{PROGRAM} --network lenet5 >&-", shell=True, text=True, stderr=subprocess.PIPE)
        self.assertEqual((got.returncode, got.stderr), (1, "cannot write to stdout: Bad file descriptor\n"))

    def test_header(self):
        """The plan as C++ is the one that the compiler makes of the same network and cluster."""
        header = self.folder / "plan.hpp"
        words = "--network", "lenet5", "--devices", "3", "--memory", "150KiB", "--header", header
        self.refused(2, "name its policy with --policy", *words)
        self.assertEqual(ask(*words, "--policy", "interleaved").returncode, 0)
        source = self.folder / "same.cpp"
        source.write_text("""
            #include "plan.hpp"
            #include <iop/deploy/deployment.hpp>
            #include <iop/zoo/lenet5.hpp>
            using namespace iop::literals;
            constexpr iop::device board{"board", 10_GFLOPs, 3_GBps, 150_KiB};
            struct porch {
              using network = iop::zoo::lenet5;
              static constexpr iop::cluster cluster{board, board, board, iop::link{100_Mbitps, 2_ms}};
              static constexpr auto plan = lenet5_plan;
            };
            static_assert(iop::deploy::check<porch>());
            static_assert(porch::plan == iop::make_plan<porch::network>(porch::cluster, iop::policy::interleaved));
            """)
        include = pathlib.Path(__file__).resolve().parents[2] / "include"
        got = subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", f"-I{include}", source],
                             text=True, capture_output=True, timeout=120)
        self.assertEqual((got.returncode, got.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=1)
