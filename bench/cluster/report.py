# SPDX-License-Identifier: MIT
"""What was measured as one page that needs nothing else (no script, plots are inline SVG), and as timelines in the
trace-event format that browsers' viewers open (chrome://tracing, ui.perfetto.dev)."""
import html
import json
import math

from cells import LINKS, NETWORKS, PLENTY, POLICIES, Cell, peak

COLOURS = dict(zip(POLICIES, ["#8a8f98", "#d9822b", "#3b82c4", "#6db1e8", "#8d63c9", "#d6455d", "#1f9d6b"]))


# ---- timelines ----

def planned_steps(plan, ranks):
    """(rank, name, begin, end) of each step as the cost model sees it, in seconds from the start."""
    steps, now = [], 0.0
    for step in plan["steps"]:
        names = [each.get("name", "") for each in step.get("operators", [])] or [step.get("name", "")]
        what = f"exchange {names[0]}" if step["kind"] == "exchange" else ", ".join(names)
        for rank in range(ranks):
            busy = step["ranks"][rank]["seconds"]
            if busy > 0:
                steps.append((rank, what, now, now + busy))
        now += step["seconds"]
    return steps


def measured_steps(got, plan):
    """The same of a run: from the moment that rank 0 began."""
    names = {each["operator"]: each["name"] for step in plan["steps"] for each in step.get("operators", [])}
    zero = min((rank["steps"][0]["begin"] for rank in got if rank["steps"] and rank["rank"] == 0), default=0)
    return [(rank["rank"], ("exchange " if step["kind"] == "exchange" else "") + names.get(step["operator"], "input"),
             step["begin"] - zero, step["end"] - zero) for rank in got for step in rank["steps"]]


def to_trace(cell, got, plan):
    """Measured ranks are processes 0, 1, …, as predicted they are 100, 101, …"""
    events = []
    for first, kind, steps in ((0, "measured", measured_steps(got, plan)), (100, "predicted", planned_steps(plan, cell.devices))):
        for rank in range(cell.devices):
            events.append({"ph": "M", "name": "process_name", "pid": first + rank, "tid": 0, "args": {"name": f"device {rank}, {kind}"}})
            events.append({"ph": "M", "name": "process_sort_index", "pid": first + rank, "tid": 0, "args": {"sort_index": 2 * rank + first // 100}})
        for rank, name, begin, end in steps:
            events.append({"ph": "X", "pid": first + rank, "tid": 0, "ts": round(begin * 1e6, 1), "dur": round((end - begin) * 1e6, 1),
                           "name": name or "operator", "cat": "exchange" if name.startswith("exchange") else "compute"})
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"cell": cell.name}}


# ---- plots ----

class Plot:
    """An SVG with axes; points are given in data units."""
    WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 420, 260, 52, 34, 12, 12

    def __init__(self, x, y, x_label, y_label, is_log=False):
        self.x, self.y, self.is_log = x, y, is_log
        self.parts = []
        self.frame(x_label, y_label)

    def at(self, value, limits, begin, end):
        if self.is_log:
            value, limits = math.log(value), tuple(map(math.log, limits))
        return begin + (value - limits[0]) / ((limits[1] - limits[0]) or 1) * (end - begin)

    def px(self, value):
        return self.at(value, self.x, self.LEFT, self.WIDTH - self.RIGHT)

    def py(self, value):
        return self.at(value, self.y, self.HEIGHT - self.BOTTOM, self.TOP)

    def ticks(self, limits):
        if self.is_log:
            powers = range(math.floor(math.log10(limits[0])), math.ceil(math.log10(limits[1])) + 1)
            return [10.0 ** p for p in powers if limits[0] <= 10.0 ** p <= limits[1]]
        step = 10 ** math.floor(math.log10((limits[1] - limits[0]) or 1))
        if (limits[1] - limits[0]) / step < 3:
            step /= 2
        return [i * step for i in range(math.ceil(limits[0] / step), math.floor(limits[1] / step) + 1)]

    def frame(self, x_label, y_label):
        for tick in self.ticks(self.x):
            x = self.px(tick)
            self.parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.TOP}" y2="{self.HEIGHT - self.BOTTOM}"/>'
                              f'<text x="{x:.1f}" y="{self.HEIGHT - self.BOTTOM + 14}" text-anchor="middle">{tick:g}</text>')
        for tick in self.ticks(self.y):
            y = self.py(tick)
            label = min(y + 4, self.HEIGHT - self.BOTTOM)  # in the corner, above that of the other axis
            self.parts.append(f'<line class="grid" x1="{self.LEFT}" x2="{self.WIDTH - self.RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                              f'<text x="{self.LEFT - 5}" y="{label:.1f}" text-anchor="end">{tick:g}</text>')
        self.parts.append(f'<text x="{(self.LEFT + self.WIDTH) / 2:.0f}" y="{self.HEIGHT - 4}" text-anchor="middle">{html.escape(x_label)}</text>'
                          f'<text transform="translate(12 {self.HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">{html.escape(y_label)}</text>')

    def line(self, points, colour, title="", dashed=False):
        path = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in points)
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}><title>{html.escape(title)}</title></polyline>')

    def dot(self, x, y, colour, title=""):
        self.parts.append(f'<circle cx="{self.px(x):.1f}" cy="{self.py(y):.1f}" r="3" fill="{colour}"><title>{html.escape(title)}</title></circle>')

    def svg(self, label):
        return (f'<svg viewBox="0 0 {self.WIDTH} {self.HEIGHT}" role="img" aria-label="{html.escape(label)}">{"".join(self.parts)}</svg>')


def legend(names):
    return '<p class="legend">' + "".join(f'<span><i style="background:{COLOURS[name]}"></i>{name}</span>' for name in names) + "</p>"


def figure(caption, body):
    return f"<figure><figcaption>{html.escape(caption)}</figcaption>{body}</figure>"


def groups(results, *fields):
    """Cells by these fields, in the order of the matrix; of equal devices with enough memory."""
    found = {}
    for cell, row in results.measured.items():
        if not cell.unlike and cell.memory == PLENTY and cell.devices > 1:
            found.setdefault(tuple(getattr(cell, field) for field in fields), []).append((cell, row))
    return sorted(found.items(), key=lambda each: [NETWORKS.index(part) if part in NETWORKS else list(LINKS).index(part) if part in LINKS else -part
                                                   for part in each[0]])


def speed_ups(results):
    figures = []
    for (network, link, speed), rows in groups(results, "network", "link", "device_gflops"):
        one = results.alone(rows[0][0])
        if not one or len({cell.devices for cell, _ in rows}) < 2:
            continue
        lines = {}
        for cell, row in rows:
            lines.setdefault(cell.policy, [(1, 1.0)]).append((cell.devices, one["p50_ms"] / row["p50_ms"]))
        top = max(y for line in lines.values() for _, y in line)
        plot = Plot((1, 6), (0, max(1.2, top * 1.05)), "devices", "times one device")
        plot.line([(1, 1), (6, 1)], "var(--faint)", "one device", dashed=True)
        for policy, line in lines.items():
            plot.line(sorted(line), COLOURS[policy], policy)
        figures.append(figure(f"{network}, {link}, {speed:g} GFLOP/s", plot.svg(f"speed-up of {network}")))
    return figures


def scatter(results):
    rows = [(cell, row) for cell, row in results.measured.items()]
    if not rows:
        return ""
    values = [row[key] for _, row in rows for key in ("p50_ms", "predicted_ms")]
    limits = (min(values) / 1.3, max(values) * 1.3)
    plot = Plot(limits, limits, "measured ms", "predicted ms", is_log=True)
    plot.line([(limits[0], limits[0]), (limits[1], limits[1])], "var(--faint)", "equal")
    for share in (0.9, 1.1):
        low, high = max(limits[0], limits[0] / share), min(limits[1], limits[1] / share)
        plot.line([(low, low * share), (high, high * share)], "var(--faint)", f"{share:g}", dashed=True)
    for cell, row in rows:
        plot.dot(row["p50_ms"], row["predicted_ms"], COLOURS[cell.policy],
                 f"{cell.name}: {row['p50_ms']:.2f} ms, predicted {row['predicted_ms']:.2f}")
    errors = [row["error"] for _, row in rows]
    bounds = [-0.5, -0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2, 0.5, 1e9]
    counts = [sum(low <= e < high for e in errors) for low, high in zip([-1e9, *bounds], bounds)]
    bars = "".join(f"<tr><td>{'below' if i == 0 else f'{100 * ([-9, *bounds][i]):+.0f} % to'} "
                   f"{'and more' if i == len(counts) - 1 else f'{100 * bounds[i]:+.0f} %'}</td>"
                   f'<td class="bar"><i style="width:{100 * count / max(counts):.1f}%"></i></td><td>{count}</td></tr>'
                   for i, count in enumerate(counts) if count)
    return figure("Each point is a cell; the dashed lines are ±10 %", plot.svg("predicted against measured")) + figure(
        "Error of the prediction: cells", f"<table class='bars'>{bars}</table>")


def tables(results):
    made = []
    for (network, speed, devices), rows in groups(results, "network", "device_gflops", "devices"):
        links = [link for link in LINKS if any(cell.link == link for cell, _ in rows)]
        cells = {(cell.policy, cell.link): row for cell, row in rows}
        one = results.alone(rows[0][0])
        best = {link: min(row["p50_ms"] for (_, at), row in cells.items() if at == link) for link in links}
        head = "".join(f"<th>{link}</th>" for link in links)
        body = ""
        if one:
            body += ("<tr><td>one device</td>" + f"<td>{one['p50_ms']:.2f}</td>" * len(links)
                     + f"<td>{peak(one) / 1e6:.2f}</td><td>{one['ranks'][0]['resident_bytes'] / 1e6:.1f}</td></tr>")
        for policy in POLICIES:
            mine = [cells.get((policy, link)) for link in links]
            if not any(mine):
                continue
            some = next(row for row in mine if row)
            body += f"<tr><td>{policy}</td>" + "".join(
                "<td>–</td>" if row is None else f"<td{' class=best' if row['p50_ms'] <= best[link] * 1.02 else ''}>{row['p50_ms']:.2f}"
                f"<small>{100 * row['error']:+.0f} %</small></td>" for link, row in zip(links, mine))
            resident = max(rank["resident_bytes"] for rank in some["ranks"])
            body += f"<td>{peak(some) / 1e6:.2f}</td><td>{resident / 1e6:.1f}</td></tr>"
        made.append(f"<h3>{network} on {devices} devices of {speed:g} GFLOP/s</h3><div class=wide><table><tr><th>policy</th>{head}"
                    f"<th>stated MB</th><th>resident MB</th></tr>{body}</table></div>")
    return "".join(made)


def timeline(trace):
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    if not events:
        return ""
    end = max(event["ts"] + event["dur"] for event in events)
    begin = min(event["ts"] for event in events)
    pids = sorted({event["pid"] for event in events}, key=lambda pid: (pid % 100, pid))
    width, row, left = 860, 18, 130
    parts = []
    for number, pid in enumerate(pids):
        y = number * row + 2
        parts.append(f'<text x="{left - 6}" y="{y + 12}" text-anchor="end">device {pid % 100}, {"predicted" if pid >= 100 else "measured"}</text>')
        for event in events:
            if event["pid"] != pid:
                continue
            x = left + (event["ts"] - begin) / (end - begin) * (width - left)
            w = event["dur"] / (end - begin) * (width - left)
            colour = "var(--exchange)" if event["cat"] == "exchange" else "var(--compute)"
            parts.append(f'<rect x="{x:.2f}" y="{y}" width="{max(w, 0.4):.2f}" height="{row - 4}" fill="{colour}">'
                         f'<title>{html.escape(event["name"])}: {event["dur"] / 1e3:.3f} ms</title></rect>')
    height = len(pids) * row + 18
    parts.append(f'<text x="{left}" y="{height - 4}">0</text><text x="{width}" y="{height - 4}" text-anchor="end">{(end - begin) / 1e3:.2f} ms</text>')
    return (f'<div class="wide"><svg class="timeline" viewBox="0 0 {width} {height}" role="img" aria-label="timeline">{"".join(parts)}</svg></div>')


def timelines(results, folder):
    made, shown = [], set()
    for (network, speed, link), _ in groups(results, "network", "device_gflops", "link"):
        if (network, speed) in shown:  # on the first of its links
            continue
        shown.add((network, speed))
        for policy in ("coedge", "interleaved", "optimal"):
            cell = Cell(network, policy, 3, link, speed)
            path = folder / f"{cell.file_name}.json"
            if cell in results.measured and path.exists():
                made.append(figure(cell.name, timeline(json.loads(path.read_text("utf-8")))))
    return "".join(made)


STYLE = """
:root{--ink:#1c2430;--page:#f5f6f8;--card:#fff;--faint:#a9b0bb;--good:#1f9d6b;--bad:#c8324a;--compute:#3b82c4;--exchange:#e0a030}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--page:#11151c;--card:#1a202a;--faint:#5b6675;--compute:#5a9fe0}}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:1rem}
section{background:var(--card);border-radius:8px;padding:1rem;margin:1rem 0}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:0}h3{font-size:1rem}
table{border-collapse:collapse}td,th{padding:.15rem .6rem;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td:first-child,th:first-child{text-align:left}th{border-bottom:1px solid var(--faint)}
td.best{color:var(--good);font-weight:600}td small{color:var(--faint);margin-left:.4em;font-weight:400}
.wide{overflow-x:auto}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(340px,100%),1fr));gap:1rem}
figure{margin:0}figcaption{font-weight:600}svg{width:100%;height:auto;display:block}svg.timeline{min-width:700px}
svg text{font-size:11px;fill:var(--ink)}.grid{stroke:var(--faint);stroke-opacity:.35}
.legend span{margin-right:1rem;display:inline-block}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em;border-radius:2px}
.claims{list-style:none;padding:0}.claims b{display:inline-block;width:3.2em}.pass b{color:var(--good)}.fail b{color:var(--bad)}
.bars td.bar{width:220px}.bars i{display:block;height:.9em;background:var(--compute)}
"""


def to_page(results, claims, emulation, folder):
    word = {True: "pass", False: "fail", None: "open"}
    shown = "".join(f'<li class="{word[passed]}"><b>{word[passed]}</b>{html.escape(line)}</li>' for passed, line in claims)
    where = "not measured"
    checks = ""
    if emulation:
        where = ("network namespaces, links slowed by the kernel" if emulation["is_kernel_shaped"]
                 else f"loopback, links slowed by the devices themselves ({emulation['why']})")
        checks = "<ul class=claims>" + "".join(f'<li class="{word[passed]}"><b>{word[passed]}</b>{html.escape(line)}</li>'
                                               for passed, line in emulation["checks"]) + "</ul>"
    used = [policy for policy in POLICIES if any(cell.policy == policy for cell in results.measured)]
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Cooperative inference, measured</title><style>{STYLE}</style></head><body><main>
<h1>Cooperative inference, measured</h1>
<p>{len(results.measured)} cells. Devices: processes that this machine slows down; {html.escape(where)}.</p>
<section id="claims"><h2>What it shows</h2><ul class="claims">{shown}</ul></section>
<section><h2>The emulation itself</h2>{checks}</section>
<section id="speedups"><h2>Speed-up over devices</h2>{legend(used)}<div class="plots">{"".join(speed_ups(results))}</div></section>
<section id="errors"><h2>Predicted against measured</h2>{legend(used)}<div class="plots">{scatter(results)}</div></section>
<section id="timelines"><h2>Timelines: measured above predicted</h2><p class="legend"><span><i style="background:var(--compute)"></i>compute</span>
<span><i style="background:var(--exchange)"></i>exchange</span></p>{timelines(results, folder)}</section>
<section id="tables"><h2>Latency in ms (small: the prediction is so much off), and memory of the fullest device</h2>
<p>Green: within 2 % of the best.</p>{tables(results)}</section>
</main></body></html>
"""
