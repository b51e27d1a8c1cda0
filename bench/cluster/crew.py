# SPDX-License-Identifier: MIT
"""The devices of one trial as processes: starts them, tells each where the others listen, collects what they say. None
outlives `run`, however that ends."""
import json
import os
import selectors
import subprocess
import time


class Failed(RuntimeError):
    """A device said what went wrong, or went without a word."""


def favour(core=None):
    """Before a device starts: it must get a core the moment it is due. (A niceness is not enough: a neighbour may keep
    its core for milliseconds.) Only root may; otherwise neighbours show as lateness."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass


class Crew:
    def __init__(self, place, program, words, per_rank=None, core=None, limit=1800):
        """`per_rank`: more words for each; `core`: on which all of them run, if not where they like."""
        self.place, self.limit = place, limit
        self.processes = [
            subprocess.Popen([*place.words(rank), str(program), "--rank", str(rank), "--host", place.host(rank),
                              *map(str, words), *map(str, per_rank[rank] if per_rank else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=lambda: favour(core))
            for rank in range(place.devices)]

    def run(self, progress=lambda runs: None):
        """What each device reports, by rank."""
        ports, results, said = {}, {}, [b""] * len(self.processes)
        begin = time.monotonic()
        try:
            with selectors.DefaultSelector() as streams:
                for rank, process in enumerate(self.processes):
                    os.set_blocking(process.stdout.fileno(), False)
                    streams.register(process.stdout, selectors.EVENT_READ, rank)
                while streams.get_map():
                    ready = streams.select(timeout=1)
                    if time.monotonic() - begin > self.limit:
                        raise Failed(f"the devices did not end within {self.limit} s")
                    for key, _ in ready:
                        rank = key.data
                        got = key.fileobj.read()
                        if not got:
                            streams.unregister(key.fileobj)
                            if rank not in results:
                                raise Failed(self.complaints())
                            continue
                        *lines, said[rank] = (said[rank] + got).split(b"\n")
                        for line in lines:
                            word, _, rest = line.decode().partition(" ")
                            if word == "port":
                                ports[rank] = rest
                                if len(ports) == len(self.processes):
                                    self.introduce(ports)
                            elif word == "progress":
                                progress(int(rest))
                            elif word == "result":
                                results[rank] = json.loads(rest)
            return [results[rank] for rank in range(len(self.processes))]
        finally:
            self.end()

    def introduce(self, ports):
        line = ",".join(f"{self.place.host(rank)}:{ports[rank]}" for rank in sorted(ports)) + "\n"
        for process in self.processes:
            process.stdin.write(line.encode())
            process.stdin.flush()

    def complaints(self):
        """Of all devices, which get a moment to say theirs."""
        end, words = time.monotonic() + 2, []
        for rank, process in enumerate(self.processes):
            try:
                process.wait(max(end - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                continue
            said = process.stderr.read().decode().strip()
            if said or process.returncode != 0:
                words.append(f"rank {rank}: {said or f'ended with {process.returncode}'}")
        return "; ".join(words) or "a device ended without a result"

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()
