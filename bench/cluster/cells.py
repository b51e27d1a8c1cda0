# SPDX-License-Identifier: MIT
"""What is measured: cells of network, policy, devices, link and speed; and what their results must show."""
import dataclasses
import itertools
import statistics

NETWORKS = ["lenet5", "alexnet", "vgg11", "vgg16", "resnet18", "mobilenet_v2"]
CLASSIC = NETWORKS[:3]
POLICIES = ["single_device", "output_channel", "coedge", "coedge_oc", "fused_spatial", "interleaved", "optimal"]
DEVICES = [2, 3, 4, 6]
SPEEDS = [10.0, 1.3]  # GFLOP/s
LINKS = {"100Mbit/0.5ms": (12.5e6, 0.5e-3), "100Mbit/2ms": (12.5e6, 2e-3), "100Mbit/8ms": (12.5e6, 8e-3),
         "1Gbit/0.2ms": (125e6, 0.2e-3)}
# Unlike devices: so many times the speed of the cell.
UNLIKE = [1, 0.5, 0.75, 0.35, 0.9, 0.6]
SMALL_MEMORY = 160 << 10  # LeNet-5 needs 247 KB of weights
PLENTY = 8 << 30
NOISE, RESOLUTION_MS = 0.02, 0.02  # two latencies are equal within this share, or this much


def is_slower(one, other):
    return one > other * (1 + NOISE) and one > other + RESOLUTION_MS


@dataclasses.dataclass(frozen=True)
class Cell:
    network: str
    policy: str
    devices: int
    link: str
    device_gflops: float
    unlike: bool = False
    memory: int = PLENTY

    @property
    def key(self):
        return dataclasses.astuple(self)

    @property
    def name(self):
        return (f"{self.network} {self.policy} on {self.devices}{' unlike' if self.unlike else ''}"
                f"{' small' if self.memory < PLENTY else ''}, {self.link}, {self.device_gflops:g} GFLOP/s")

    @property
    def is_brief(self):
        """Its steps and messages take microseconds, and whoever computes meanwhile disturbs them."""
        return self.network == "lenet5"

    @property
    def file_name(self):
        return "-".join(str(each).replace("/", "_") for each in self.key)

    def rates(self, host):
        """Those of this machine that this network sees: the weights of a small one stay in a cache."""
        return host["small" if self.is_brief else "usual"]

    def cluster(self, host, winograd=False):
        """As iop-plan reads it. The devices are this machine, slowed down: all its rates by the same factor."""
        rates, devices = self.rates(host), []
        for rank, factor in enumerate(self.factors(host)):
            device = {"name": f"device{rank}", "memory": self.memory, "channel_step": rates["channel_step"],
                      "skips_padding": rates["skips_padding"]}
            for rate in ("flops", "memory_bandwidth", "depthwise_flops", "narrow_flops", *(["winograd_flops"] if winograd else [])):
                device[rate] = rates[rate] / factor
            devices.append(device)
        bandwidth, message = LINKS[self.link]
        return {"devices": devices, "link": {"bandwidth": bandwidth, "message_time": message}}

    def factors(self, host):
        return [host["usual"]["flops"] / (self.device_gflops * 1e9 * (UNLIKE[rank] if self.unlike else 1))
                for rank in range(self.devices)]


def matrix(networks, policies, devices, links, speeds, unlike_devices=(3,)):
    """The cells, those first that say most when the run is cut. One device has no link: it is measured once."""
    cells = []
    order = sorted(devices, key=lambda n: (n != 3, n))
    if "lenet5" in networks:
        cells += [Cell("lenet5", policy, 3, links[0], speeds[0], memory=SMALL_MEMORY) for policy in policies]
    for speed, network in itertools.product(speeds, networks):
        if "single_device" in policies:
            cells.append(Cell(network, "single_device", 1, links[0], speed))
        for count, link, policy in itertools.product(order, links, policies):
            if policy != "single_device":
                cells.append(Cell(network, policy, count, link, speed))
    for speed, network, count, link, policy in itertools.product(speeds, networks, unlike_devices, links, policies):
        if policy != "single_device" and count in devices:
            cells.append(Cell(network, policy, count, link, speed, unlike=True))
    return cells


def largest(speeds):
    """VGG16 on four devices, which others have published."""
    link = next(iter(LINKS))
    return [cell for speed in speeds for cell in (Cell("vgg16", "single_device", 1, link, speed), Cell("vgg16", "optimal", 4, link, speed))]


def peak(row):
    """The most that one device must hold: what its program states."""
    return max(rank["weight_bytes"] + rank["arena_bytes"] for rank in row["ranks"])


class Results:
    """Rows by cell, and sentences on what they show: (True, False or None for not measured, sentence)."""

    def __init__(self, rows):
        self.rows = {Cell(**{f.name: row[f.name] for f in dataclasses.fields(Cell)}): row for row in rows}
        self.measured = {cell: row for cell, row in self.rows.items() if row["fits"]}

    def p50(self, cell):
        row = self.measured.get(cell)
        return row and row["p50_ms"]

    def alone(self, cell):
        """One device of the same speed; of unlike ones the first is the fastest."""
        first = next(iter(LINKS))
        for link in LINKS:
            row = self.measured.get(Cell(cell.network, "single_device", 1, link, cell.device_gflops))
            if row:
                return row
        return self.measured.get(Cell(cell.network, "single_device", 1, first, cell.device_gflops))

    def claims(self):
        return [*self.against_coedge(), self.too_small(), self.optimal(), self.never_worse(), self.prediction(), *self.vgg16()]

    def gains(self, network):
        """(cell, latency and peak memory that interleaved saves against coedge) on three equal devices."""
        found = []
        for cell, row in self.measured.items():
            if (cell.network, cell.policy, cell.devices, cell.unlike, cell.memory) != (network, "interleaved", 3, False, PLENTY):
                continue
            other = self.measured.get(dataclasses.replace(cell, policy="coedge"))
            if other:
                found.append((cell, 1 - row["p50_ms"] / other["p50_ms"], 1 - peak(row) / peak(other)))
        return found

    def against_coedge(self):
        for network in ("alexnet", "vgg11"):
            found = self.gains(network)
            if not found:
                yield None, f"{network}, interleaved against coedge on 3 equal devices: not measured"
                continue
            good = [each for each in found if each[1] >= 0.1683 and each[2] >= 0.4998]
            cell, time, memory = max(good or found, key=lambda each: each[1])
            yield bool(good), (f"{network}, interleaved against coedge on 3 equal devices: {100 * time:.1f} % lower latency and "
                               f"{100 * memory:.1f} % lower peak memory at {cell.link}, {cell.device_gflops:g} GFLOP/s (wanted: 16.83 "
                               f"and 49.98); so in {len(good)} of {len(found)} cells, slower in {sum(t < 0 for _, t, _ in found)}")

    def too_small(self):
        rows = {cell.policy: row for cell, row in self.rows.items() if cell.memory == SMALL_MEMORY}
        if "interleaved" not in rows or "coedge" not in rows:
            return None, "LeNet-5 on devices too small for it: not measured"
        fits = [policy for policy, row in rows.items() if row["fits"]]
        says = "; ".join(f"{policy} {rows[policy]['p50_ms']:.2f} ms, {peak(rows[policy]) / 1e3:.0f} KB" for policy in fits)
        return ("interleaved" in fits and "single_device" not in fits and "coedge" not in fits,
                f"LeNet-5 on 3 devices of {SMALL_MEMORY / 1e3:.0f} KB: single_device and coedge do not fit, interleaved does ({says})")

    def optimal(self):
        worst, count, slower = (0, None), 0, 0
        for cell, row in self.measured.items():
            best = self.measured.get(dataclasses.replace(cell, policy="optimal"))
            if cell.policy == "optimal" or cell.devices == 1 or not best:
                continue
            count += 1
            ratio = best["p50_ms"] / row["p50_ms"] - 1
            slower += is_slower(best["p50_ms"], row["p50_ms"])
            worst = max(worst, (ratio, cell.name), key=lambda each: each[0])
        if not count:
            return None, "optimal against the other policies: not measured"
        return slower == 0, (f"optimal is slower than another policy by more than 2 % in {slower} of {count} comparisons"
                             + (f"; worst {100 * worst[0]:.1f} %: {worst[1]}" if worst[1] else ""))

    def never_worse(self):
        count, bad, worst = 0, 0, (-1, "")
        for cell, row in self.measured.items():
            one = self.alone(cell)
            if cell.policy != "optimal" or cell.memory < PLENTY or not one:
                continue
            count += 1
            ratio = row["p50_ms"] / one["p50_ms"] - 1
            bad += is_slower(row["p50_ms"], one["p50_ms"])
            worst = max(worst, (ratio, cell.name))
        if not count:
            return None, "optimal against one device: not measured"
        return bad == 0, (f"optimal is slower than one device by more than 2 % in {bad} of {count} cells"
                          + (f"; worst {100 * worst[0]:+.1f} %: {worst[1]}" if bad else ""))

    def prediction(self):
        errors = sorted((abs(row["error"]), abs(row["predicted_ms"] - row["p50_ms"]), cell.name) for cell, row in self.measured.items())
        if not errors:
            return None, "prediction against measurement: not measured"
        within = sum(error <= 0.1 for error, _, _ in errors) / len(errors)
        above = [apart for error, apart, _ in errors if error > 0.2]
        return within >= 0.9 and not above, (
            f"prediction is within 10 % in {100 * within:.1f} % of {len(errors)} cells (wanted 90), above 20 % in {len(above)} (wanted 0)"
            + (f", there by {max(above):.2f} ms at most" if above else "")
            + f"; median {100 * statistics.median(error for error, _, _ in errors):.1f} %, worst {100 * errors[-1][0]:.1f} %: {errors[-1][2]}")

    def vgg16(self):
        for gflops in (1.3, 10.0):
            best = None
            for link in LINKS:
                cell = Cell("vgg16", "optimal", 4, link, gflops)
                row, one = self.measured.get(cell), self.alone(cell)
                if row and one and link.startswith("100Mbit"):
                    speedup = one["p50_ms"] / row["p50_ms"]
                    bound = one["predicted_ms"] / row["predicted_ms"]
                    best = max(best or (0,), (speedup, bound, link))
            if not best:
                yield None, f"VGG16 on 4 devices of {gflops:g} GFLOP/s at 100 Mbit/s: not measured"
            elif gflops == 1.3:
                yield best[0] >= 3.6, (f"VGG16 on 4 devices of 1.3 GFLOP/s, {best[2]}: {best[0]:.2f} times one device (wanted 3.6; "
                                       f"EdgeLD published 3.57, MoDNN 2.03; the cost model says {best[1]:.2f})")
            else:
                yield best[0] >= 0.95 * best[1], (f"VGG16 on 4 devices of 10 GFLOP/s, {best[2]}: {best[0]:.2f} times one device, "
                                                  f"{100 * best[0] / best[1]:.0f} % of the cost model's {best[1]:.2f} (wanted 95)")
