# SPDX-License-Identifier: MIT
"""Places for devices to run in: network namespaces joined by a bridge, each with a link that the kernel slows down.

Everything lies in namespaces of its own, whose names start with PREFIX, so removing those removes all of it. They are
removed on leaving and, should that ever fail, by the next start. A lock keeps two testbeds from meeting. Without root, or
without the kernel's help, every place is the loopback device, and the devices slow themselves down.
"""
import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess
import tempfile

from command_line import Failed

PREFIX = "iop-bed-"
NETWORK = "10.77.0."
LOCK = pathlib.Path(tempfile.gettempdir(), "iop-bed.lock")
# A packet of 1448 bytes of ours is 1514 bytes for the kernel; what a link's bandwidth means here is ours.
WIRE_BYTES_PER_BYTE = 1514 / 1448
SEGMENT = 1514


def call(*words, check=True, before=None):
    """What a program says; `before` runs in its process first."""
    got = subprocess.run(list(map(str, words)), text=True, capture_output=True, preexec_fn=before)
    if check and got.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))}: {got.stderr.strip() or got.returncode}")
    return got.stdout


def leftovers():
    return [line.split()[0] for line in call("ip", "netns", "list", check=False).splitlines() if line.startswith(PREFIX)]


def remove_all():
    """Ends what runs in our namespaces and removes them; their links go with them."""
    names = leftovers()
    for name in names:
        for process in call("ip", "netns", "pids", name, check=False).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
    for name in names:
        call("ip", "netns", "del", name, check=False)
    return names


class Loopback:
    """Without root: all devices on 127.0.0.1. The devices slow their links themselves."""
    is_kernel_shaped = False

    def __init__(self, devices):
        self.devices = devices

    def host(self, _rank):
        return "127.0.0.1"

    def words(self, _rank):
        return []

    def tune(self, _bytes_per_second):
        pass

    def shape(self, _bytes_per_second):
        pass

    def lose(self, _share):
        return False


class Namespaces(Loopback):
    """A namespace for each device, and one for the bridge between them."""
    is_kernel_shaped = True

    def __init__(self, devices, number):
        super().__init__(devices)
        self.name = f"{PREFIX}{number}-{devices}-"
        self.hub = self.name + "hub"
        call("ip", "netns", "add", self.hub)
        call("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge", "stp_state", "0", "forward_delay", "0")
        call("ip", "-n", self.hub, "link", "set", "bridge", "up")
        for rank in range(devices):
            name = f"{self.name}{rank}"
            call("ip", "netns", "add", name)
            call("ip", "link", "add", "wire", "netns", name, "type", "veth", "peer", "name", f"port{rank}", "netns", self.hub)
            call("ip", "-n", name, "addr", "add", f"{self.host(rank)}/24", "dev", "wire")
            call("ip", "-n", name, "link", "set", "lo", "up")
            call("ip", "-n", name, "link", "set", "wire", "up")
            call("ip", "-n", self.hub, "link", "set", f"port{rank}", "master", "bridge", "up")

    def host(self, rank):
        return f"{NETWORK}{rank + 1}"

    def words(self, rank):
        return ["ip", "netns", "exec", f"{self.name}{rank}"]

    def shape(self, bytes_per_second):
        """Both directions of each device's link; 0 or None: as fast as this machine."""
        for rank in range(self.devices):
            for namespace, link in ((f"{self.name}{rank}", "wire"), (self.hub, f"port{rank}")):
                if not bytes_per_second:
                    call("tc", "-n", namespace, "qdisc", "del", "dev", link, "root", check=False)
                    continue
                rate = round(8 * bytes_per_second * WIRE_BYTES_PER_BYTE)
                # Timers are some microseconds late, and what a burst is too small for is lost. A message smaller than
                # the burst would see no link: the devices themselves wait for those (slow_link.hpp).
                # Packets of a fast link go in bundles of up to 64 KB, which a smaller burst would take apart: three
                # devices that send and receive 1 Gbit/s at once would need more than a core.
                burst = round(4 * SEGMENT + bytes_per_second * (200e-6 if bytes_per_second < 50e6 else 600e-6))
                call("tc", "-n", namespace, "qdisc", "replace", "dev", link, "root", "tbf", "rate", f"{rate}bit",
                     "burst", burst, "limit", 16 << 20)

    def tune(self, bytes_per_second):
        """TCP as on a small device with such a link, whatever this machine is set to: acknowledgements do not wait behind
        megabytes of its own, and little of a message arrives before the device is ready for it. Before devices meet."""
        early = max(128 << 10, round((bytes_per_second or 1e9) * 4e-3))
        for rank in range(self.devices):
            call("ip", "netns", "exec", f"{self.name}{rank}", "sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic",
                 "net.ipv4.tcp_limit_output_bytes=32768", f"net.ipv4.tcp_rmem=4096 {128 << 10} {early}", check=False)

    def lose(self, share):
        """Drops so many of the packets that reach a device, where nftables is there; returns whether it is."""
        for rank in range(self.devices):
            words = ["ip", "netns", "exec", f"{self.name}{rank}", "nft"]
            try:
                call(*words, "delete", "table", "ip", "loss", check=False)
                if share:
                    call(*words, "add", "table", "ip", "loss")
                    call(*words, "add", "chain", "ip", "loss", "in", "{", "type", "filter", "hook", "input", "priority", "0", ";", "}")
                    call(*words, "add", "rule", "ip", "loss", "in", "numgen", "random", "mod", "1000", "<", round(1000 * share), "drop")
                else:
                    call(*words, "--version")
            except (OSError, Failed):
                return False
        return True


class Testbed:
    """Places, in namespaces where this machine allows them, else on loopback; `why` says why."""

    def __init__(self, why=""):
        self.why, self.places, self.lock = why, {}, None

    def __enter__(self):
        if not self.why and os.geteuid() != 0:
            self.why = "not root"
        if self.why:
            return self
        self.lock = open(LOCK, "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            raise Failed("another testbed is running on this machine: wait until it has ended")
        remove_all()
        try:
            self.place(1).shape(1e6)
        except (OSError, Failed) as failure:
            self.__exit__()
            self.why = str(failure)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.lock:
            remove_all()
            self.lock.close()
        self.places, self.lock = {}, None

    def place(self, devices, number=0):
        """For so many devices; those of different numbers do not meet."""
        if (devices, number) not in self.places:
            self.places[devices, number] = Namespaces(devices, number) if self.lock else Loopback(devices)
        return self.places[devices, number]
