#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Opens the pages of iop-plan in Chromium, wide and narrow, light and dark, chooses every policy, and looks for errors,
text on other text, and text that sticks out.

usage: plan_page.py PROGRAM CHROMIUM [TEST...]
"""
import html
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
CHROMIUM = sys.argv.pop(1)
POLICIES = 7

UNLIKE = {
    "devices": [
        {"name": "camera", "flops": "2G", "memory_bandwidth": "1GB/s", "memory": "100MiB"},
        {"name": "a phone whose owner gave it a long name", "flops": 123456789, "memory_bandwidth": 8e9, "memory": "1GiB"},
        {"name": "<!--<script>", "flops": "5G", "memory_bandwidth": "2GB/s", "memory": "1234567890 B"},
        {"name": "</script><b>&amp;", "flops": "10G", "memory_bandwidth": "3GB/s", "memory": "512MiB"}],
    "link": {"bandwidth": "54Mbit", "message_time": "2ms"},
    "links": [{"between": [0, 1], "bandwidth": "1Gbit", "message_time": "150us"},
              {"between": [2, 3], "bandwidth": "9.6kbit"}],
    "input_rank": 2, "output_rank": 1}

# A window is at least 500 pixels wide, a frame is as narrow as wanted.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0"><script>
const pages = @PAGES@, results = [];
let troubles = [];

function textBoxes(inside) {
  const walker = inside.createTreeWalker(inside.body, NodeFilter.SHOW_TEXT), boxes = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style, title, noscript")) continue;
    const range = inside.createRange();
    range.selectNodeContents(node);
    const box = parent.closest("section, .tile, main").getBoundingClientRect();
    for (const r of parent.closest("svg") ? [parent.getBoundingClientRect()] : range.getClientRects()) {
      if (r.width < 0.5) continue;
      boxes.push([node.data, r]);
      if (r.left < box.left || r.right > box.right || r.top < box.top || r.bottom > box.bottom)
        troubles.push(`"${node.data}" sticks out: ${r.left} to ${r.right} in ${box.left} to ${box.right}`);
    }
  }
  return boxes;
}

function look(inside, what, width) {
  const before = troubles.length, boxes = textBoxes(inside);
  for (let i = 0; i < boxes.length; ++i)
    for (let j = 0; j < i; ++j) {
      const [a, p] = boxes[i], [b, q] = boxes[j];
      if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 0.5 && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1.5)
        troubles.push(`"${a}" on "${b}"`);
    }
  if (inside.documentElement.scrollWidth > width) troubles.push(`${inside.documentElement.scrollWidth} pixels wide`);
  for (const block of inside.querySelectorAll("svg rect, .part, .lane i, .bar i")) {
    const own = block.getBoundingClientRect(), place = block.parentElement.getBoundingClientRect();
    if (own.left < place.left - 0.5 || own.right > place.right + 0.5) troubles.push(`a block of ${what} sticks out`);
  }
  for (let i = before; i < troubles.length; ++i) troubles[i] = `${what}: ${troubles[i]}`;
  return boxes.length;
}

function open(page, width) {
  troubles = [];
  const frame = document.createElement("iframe");
  frame.style = `border:0;width:${width}px;height:20000px`;
  frame.srcdoc = page;
  frame.onload = () => { results.push(visit(frame, width)); frame.remove(); next(); };
  document.body.append(frame);
}

function visit(frame, width) {
  const inside = frame.contentDocument, found = {texts: [], titles: []};
  const rest = inside.querySelectorAll("button.policy").length;
  for (let i = 0; i < Math.max(rest, 1); ++i) {
    if (rest) inside.querySelectorAll("button.policy")[i].click();
    const pressed = inside.querySelector("[aria-pressed=true] .name");
    found.texts.push(look(inside, pressed ? pressed.textContent : "the only policy", width));
    found.titles.push(inside.querySelector("#timeline .note").textContent);
  }
  found.text = inside.body.innerText;
  found.blocks = inside.querySelectorAll("svg rect").length;
  found.dark = frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches;
  found.background = frame.contentWindow.getComputedStyle(inside.body).backgroundColor;
  found.troubles = troubles;
  return found;
}

function next() {
  if (results.length < pages.length) return open(...pages[results.length]);
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify(results);
  document.body.append(result);
}
next();
</script>"""
# In the page: its errors are told to the outside.
HOOK = ("<script>addEventListener('error', (event) => parent.eval('troubles').push(event.message));"
        "console.error = console.warn = (...words) => parent.eval('troubles').push(words.join(' '))</script>")


class PageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def page(self, *words, status=0):
        path = self.folder / "plan.html"
        got = subprocess.run([PROGRAM, *map(str, words), "--html", path], text=True, capture_output=True, timeout=300)
        self.assertEqual(got.returncode, status, got)
        return path.read_text()

    def browse(self, pages, dark=False):
        """What the script found on each (page, width)."""
        prepared = [(page.replace("<head>", "<head>" + HOOK, 1), width) for page, width in pages]
        file = self.folder / "frame.html"
        file.write_text(FRAME.replace("@PAGES@", json.dumps(prepared).replace("<", "\\u003c")))
        got = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/user",
             "--window-size=1280,900", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
             "--virtual-time-budget=10000", "--dump-dom", file.as_uri()],
            text=True, capture_output=True, timeout=120)
        found = re.search(r'<pre id="result">(.*?)</pre>', got.stdout, re.S)
        self.assertIsNotNone(found, got.stderr[-2000:])
        return json.loads(html.unescape(found[1]))

    def check(self, policies, *words, status=0, dark=False):
        page = self.page(*words, status=status)
        self.assertNotIn("http", page.replace("http://www.w3.org/2000/svg", ""))
        self.assertNotRegex(page, r"\b(src|href)=|@import|url\(")
        for found in self.browse([(page, 1280), (page, 420)], dark):
            self.assertEqual(found["troubles"], [])
            self.assertEqual(len(found["texts"]), policies)
            self.assertEqual(len(set(found["titles"])), policies)
            self.assertGreater(min(found["texts"]), 50)
            self.assertGreater(found["blocks"], 10)
            self.assertEqual(found["dark"], dark)
            self.assertEqual(found["background"], "rgb(17, 21, 28)" if dark else "rgb(245, 246, 248)")
        return found["text"]

    def test_all_policies(self):
        text = self.check(POLICIES, "--network", "vgg11", "--message-time", "500us")
        self.assertIn("vgg11 on 3 devices", text)
        self.assertIn("does not fit", text)

    def test_one_policy(self):
        self.check(1, "--network", "squeezenet1_1", "--policy", "output_channel", "--devices", 8, "--shared-medium")

    def test_alone(self):
        self.check(POLICIES, "--network", "lenet5", "--devices", 1)

    def test_too_small(self):
        text = self.check(1, "--network", "lenet5", "--policy", "coedge", "--memory", "32KiB", status=1)
        self.assertIn("bytes too few", text)
        self.assertIn("too small", text)

    def test_unlike_devices(self):
        file = self.folder / "cluster.json"
        file.write_text(json.dumps(UNLIKE))
        text = self.check(POLICIES, "--network", "alexnet", "--cluster", file, dark=True)
        for device in UNLIKE["devices"]:
            self.assertIn(device["name"], text)

    def test_finds_trouble(self):
        """The checks themselves: a page with each kind of mistake."""
        mistakes = {
            "<main><p style='position:absolute;top:9px'>one</p><p style='position:absolute;top:9px'>two</p></main>": 'on "one"',
            f"<main><p style='white-space:nowrap'>{200 * 'wide '}</p></main>": "pixels wide",
            f"<main style='width:99px;white-space:nowrap'>{9 * 'stick '}</main>": "sticks out",
            "<script>undefined_function()</script>": "undefined_function",
            "<script>console.error('complaint')</script>": "complaint",
            "<main>nothing wrong</main>": "^$"}
        frame = "<html><head></head><body><div id='timeline'><p class='note'></p></div>{}</body></html>"
        results = self.browse([("<!doctype html>" + frame.format(each), 420) for each in mistakes])
        for found, pattern in zip(results, mistakes.values(), strict=True):
            self.assertRegex("\n".join(found["troubles"]), pattern)


if __name__ == "__main__":
    unittest.main(verbosity=1)
