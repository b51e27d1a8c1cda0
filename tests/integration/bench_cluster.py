#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `script/bench cluster` for a moment on the smallest network, over loopback and without root's help, and looks at
what it leaves: results, traces, the page in Chromium. No times are tested.

usage: bench_cluster.py PROGRAMS [CHROMIUM]     (PROGRAMS: the folder of the built programs)
"""
import html
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAMS = pathlib.Path(sys.argv[1]).resolve()
CHROMIUM = sys.argv[2] if len(sys.argv) > 2 else None
RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "cluster" / "run.py"
CLUSTER = [sys.executable, "-B", RUN, "--programs", PROGRAMS, "--loopback", "--equal", "--cell-seconds", 0.02, "--rehearsal", 0.05]
SMALL = ["--networks", "lenet5", "--devices", "3", "--speeds", "10", "--links", "1Gbit/0.2ms"]


def run(*words):
    return subprocess.run(list(map(str, words)), text=True, capture_output=True, timeout=300)


class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.first = run(*CLUSTER, *SMALL, "--cells", 9, "--folder", cls.folder)
        cls.again = run(*CLUSTER, *SMALL, "--folder", cls.folder)
        cls.rows = [json.loads(line) for line in (cls.folder / "results.jsonl").read_text("utf-8").splitlines()]

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_goes_on_where_it_was_cut(self):
        self.assertIn("9 cells to measure, 0 measured before", self.first.stdout, self.first)
        self.assertIn("5 cells to measure, 9 measured before", self.again.stdout, self.again)
        self.assertEqual((self.first.stderr, self.again.stderr), ("", ""))
        names = [tuple(row[key] for key in ("policy", "devices", "memory")) for row in self.rows]
        self.assertEqual(len(names), 14)
        self.assertEqual(len(set(names)), 14)

    def test_cells_at_once(self):
        """Slow devices leave time for others: several cells are measured at once, whose crews do not meet."""
        with tempfile.TemporaryDirectory() as folder:
            got = run(*CLUSTER, "--networks", "alexnet", "--policies", "interleaved,optimal", "--devices", "2", "--speeds", "1.3", "--links",
                      "100Mbit/0.5ms,1Gbit/0.2ms", "--jobs", 3, "--folder", folder)
            self.assertEqual(got.stderr, "", got)
            rows = [json.loads(line) for line in (pathlib.Path(folder) / "results.jsonl").read_text("utf-8").splitlines()]
            self.assertEqual([(row["policy"], row["link"]) for row in rows],
                             [(policy, link) for link in ("100Mbit/0.5ms", "1Gbit/0.2ms") for policy in ("interleaved", "optimal")])

    def test_rows(self):
        """That messages, bytes and scores are the plan's is checked by the run itself, which fails otherwise."""
        for row in self.rows:
            self.assertEqual(row["emulation"], "loopback")
            if not row["fits"]:
                self.assertIn("too few", row["problem"])
                continue
            self.assertGreater(row["p50_ms"], 0)
            self.assertLessEqual(row["p50_ms"], row["p99_ms"])
            self.assertGreaterEqual(row["runs"], 3)
            self.assertLess(row["apart"], 1e-5)
            self.assertAlmostEqual(row["error"], row["predicted_ms"] / row["p50_ms"] - 1)
            self.assertEqual(len(row["ranks"]), row["devices"])
        fits = {row["policy"] for row in self.rows if row["memory"] < 1e6 and row["fits"]}
        self.assertNotIn("single_device", fits)
        self.assertIn("interleaved", fits)
        sent = {row["policy"]: row["messages"] for row in self.rows if row["memory"] > 1e6}
        self.assertEqual(sent["single_device"], 0)
        self.assertGreater(sent["output_channel"], sent["interleaved"])

    def test_traces(self):
        for path in (self.folder / "traces").iterdir():
            trace = json.loads(path.read_text("utf-8"))
            events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
            self.assertTrue(events)
            last = {}
            for event in sorted(events, key=lambda event: (event["pid"], event["ts"])):
                self.assertGreaterEqual(event["dur"], 0)
                if event["pid"] < 100:  # steps of a device do not overlap
                    self.assertGreaterEqual(event["ts"], last.get(event["pid"], -1e9) - 0.2, event)
                    last[event["pid"]] = event["ts"] + event["dur"]

    def test_says_what_it_shows(self):
        self.assertIn("pass  LeNet-5 on 3 devices of 164 KB", self.again.stdout)
        self.assertIn("----  VGG16 on 4 devices of 1.3 GFLOP/s", self.again.stdout)
        self.assertIn("--loopback", self.again.stdout)  # why nothing is shaped by the kernel

    def test_page(self):
        page = (self.folder / "report.html").read_text("utf-8")
        self.assertNotIn("http", page.replace("http://www.w3.org/2000/svg", ""))
        self.assertNotRegex(page, r"<script|\b(src|href)=|@import|url\(")
        if CHROMIUM is None:
            self.skipTest("no Chromium here")
        for width, looked in self.look_at(page):
            self.assertEqual(looked["troubles"], [], f"{width} pixels wide")
            self.assertGreater(looked["figures"], 3)
            self.assertGreater(looked["blocks"], 20)

    def look_at(self, page):
        """What is wrong with a page, at each width."""
        file = self.folder / "checked.html"
        file.write_text("<!doctype html><meta charset=utf-8><body style=margin:0><script>" + CHECK.replace(
            "@PAGE@", json.dumps(page).replace("<", "\\u003c")) + "</script>", "utf-8")
        got = run(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/user",
                  "--window-size=1280,900", "--virtual-time-budget=10000", "--dump-dom", file.as_uri())
        found = re.search(r'<pre id="result">(.*?)</pre>', got.stdout, re.S)
        self.assertIsNotNone(found, got.stderr[-2000:])
        return json.loads(html.unescape(found[1]))

    def test_ticks_meet_in_no_corner(self):
        if CHROMIUM is None:
            self.skipTest("no Chromium here")
        sys.path.insert(0, str(RUN.parent))
        from report import STYLE, Plot
        limits = [(10 ** -(1 + near / 40), 10 ** (1 + far / 40)) for near in range(8) for far in range(8)]
        plots = [Plot(each, each, "measured ms", "predicted ms", is_log=True).svg(f"{each}") for each in limits]
        for width, looked in self.look_at(f"<!doctype html><style>{STYLE}</style><main class=plots>{''.join(plots)}</main>"):
            self.assertEqual(looked["troubles"], [], f"{width} pixels wide")

    def test_bad_conditions(self):
        """A device that is stopped for a while: the answers stay right and nobody waits for ever."""
        got = run(*CLUSTER, "--conditions", "--networks", "lenet5", "--folder", self.folder)
        self.assertEqual((got.returncode, got.stderr), (0, ""), got)
        self.assertIn("pass  one device stopped for 300 ms, twice", got.stdout)
        [slowest] = re.findall(r"twice: .* slowest ([0-9.]+) ms", got.stdout)
        self.assertGreater(float(slowest), 250)

    def test_nothing_is_left_of_a_run_that_is_stopped(self):
        for number in (signal.SIGINT, signal.SIGKILL):
            with tempfile.TemporaryDirectory() as folder:
                going = subprocess.Popen(list(map(str, [*CLUSTER, *SMALL, "--cell-seconds", 60, "--folder", folder])),
                                         text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                while devices(folder) < 1:  # a cell runs
                    self.assertIsNone(going.poll())
                    time.sleep(0.1)
                going.send_signal(number)
                going.communicate(timeout=30)
                end = time.monotonic() + 10
                while devices(folder) > 0 and time.monotonic() < end:
                    time.sleep(0.1)
                self.assertEqual(devices(folder), 0, number)

    def test_namespaces(self):
        """With root's help: what a killed run leaves is removed by the next, and an interrupted one leaves nothing."""
        words = [str(word) for word in CLUSTER if word != "--loopback"] + SMALL

        def start_and_send(number):
            going = subprocess.Popen([*words, "--cell-seconds", "60", "--folder", folder], text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
            while going.poll() is None and devices(folder) < 3:  # a cell of three devices runs
                time.sleep(0.1)
            if number is not None and going.poll() is None:
                going.send_signal(number)
            return going.communicate(timeout=60)

        with tempfile.TemporaryDirectory() as folder:
            if os.geteuid() != 0:
                self.skipTest("not root")
            got = run(*words, "--cells", 2, "--folder", folder)
            if "no namespaces" in got.stdout or "another testbed" in got.stderr:
                self.skipTest((got.stdout + got.stderr).splitlines()[-1])
            self.assertEqual(json.loads((pathlib.Path(folder) / "results.jsonl").read_text().splitlines()[-1])["emulation"], "namespaces")
            self.assertEqual(namespaces(), [])
            start_and_send(signal.SIGKILL)
            self.assertGreaterEqual(len(namespaces()), 4)  # three devices and their bridge
            start_and_send(signal.SIGINT)
            self.assertEqual((namespaces(), devices(folder)), ([], 0))

    def test_wrong_usage(self):
        for words in ["--networks", "lenet6"], ["--devices", "5"], ["--links", "fast"], ["--speeds", "7"], ["--cells", "few"], ["--cells", "0"], ["--jobs", "0"], ["--time", "nan"], ["--rehearsal", "-1"]:
            got = run(*CLUSTER, *words)
            self.assertEqual((got.returncode, got.stdout), (2, ""), got)
            self.assertIn("error: ", got.stderr)


def namespaces():
    return [line for line in run("ip", "netns", "list").stdout.splitlines() if line.startswith("iop-bed-")]


def devices(folder):
    """How many device processes work on weights in this folder."""
    count = 0
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            count += "bench_cluster_device" in words and folder in words
    return count


CHECK = """
const page = @PAGE@, results = [];
function look(frame, width) {
  const inside = frame.contentDocument, troubles = [];
  if (inside.documentElement.scrollWidth > width) troubles.push(`${inside.documentElement.scrollWidth} pixels wide`);
  for (const svg of inside.querySelectorAll("svg")) {
    const place = svg.getBoundingClientRect(), boxes = [];
    for (const part of svg.querySelectorAll("text, rect, circle, polyline")) {
      const own = part.getBoundingClientRect();
      if (own.left < place.left - 1 || own.right > place.right + 1 || own.top < place.top - 1 || own.bottom > place.bottom + 1)
        troubles.push(`${part.tagName} "${part.textContent}" of ${svg.getAttribute("aria-label")} sticks out`);
      if (part.tagName == "text") boxes.push([part.textContent, own]);
    }
    for (const [i, [a, p]] of boxes.entries())
      for (const [b, q] of boxes.slice(0, i))
        if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 0.5 && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1.5)
          troubles.push(`"${a}" on "${b}" in ${svg.getAttribute("aria-label")}`);
  }
  return {troubles, figures: inside.querySelectorAll("figure svg").length, blocks: inside.querySelectorAll("svg rect").length};
}
function next(widths) {
  if (widths.length == 0) {
    const result = document.createElement("pre");
    result.id = "result";
    result.textContent = JSON.stringify(results);
    return document.body.append(result);
  }
  const frame = document.createElement("iframe");
  frame.style = `border:0;width:${widths[0]}px;height:9000px`;
  frame.srcdoc = page;
  frame.onload = () => { results.push([widths[0], look(frame, widths[0])]); frame.remove(); next(widths.slice(1)); };
  document.body.append(frame);
}
next([1280, 420]);
"""

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
