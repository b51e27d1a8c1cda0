# SPDX-License-Identifier: MIT
"""The devices of one trial as processes: starts them, tells each where the others listen, collects what they say. None
outlives `run`, however that ends."""
import contextlib
import json
import os
import selectors
import subprocess
import time

from command_line import Failed


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
    def __init__(self, place, program, words, per_rank=None, core=None, prepare=lambda: None, progress=lambda runs: None):
        """`per_rank`: more words for each; `core`: on which all of them run, if not where they like; `prepare` is called before
        anything is timed, `progress` with each number of runs."""
        self.place, self.core, self.prepare, self.progress = place, core, prepare, progress
        self.commands = [[*place.words(rank), str(program), "--rank", str(rank), "--host", place.host(rank),
                          *map(str, words), *map(str, per_rank[rank] if per_rank else [])] for rank in range(place.devices)]
        self.processes, self.ports, self.results = [], {}, {}
        self.said = [b""] * place.devices
        self.is_ready, self.failure = False, None

    def run(self):
        """What each device reports, by rank."""
        run_together([self])
        return self.got()

    def got(self):
        if self.failure:
            raise self.failure
        return [self.results[rank] for rank in range(len(self.processes))]

    def start(self):
        for command in self.commands:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                                   preexec_fn=lambda: favour(self.core)))
            os.set_blocking(self.processes[-1].stdout.fileno(), False)

    @property
    def is_done(self):
        return len(self.results) == len(self.commands)

    def hear(self, rank):
        """What a device says; False when it has said all."""
        got = self.processes[rank].stdout.read()
        if not got and rank not in self.results:
            raise Failed(self.complaints())
        *lines, self.said[rank] = (self.said[rank] + (got or b"")).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "port":
                self.ports[rank] = rest
                if len(self.ports) == len(self.processes):
                    self.introduce()
            elif word == "ready":
                self.is_ready = True
            elif word == "progress":
                self.progress(int(rest))
            elif word == "result":
                self.results[rank] = json.loads(rest)
        return bool(got)

    def go(self):
        self.prepare()
        self.tell(0, "go")

    def tell(self, rank, line):
        with contextlib.suppress(BrokenPipeError):  # who has died is heard of
            self.processes[rank].stdin.write(f"{line}\n".encode())
            self.processes[rank].stdin.flush()

    def introduce(self):
        line = ",".join(f"{self.place.host(rank)}:{self.ports[rank]}" for rank in sorted(self.ports))
        for rank in range(len(self.processes)):
            self.tell(rank, line)

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
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def listen(crews, is_enough, limit=1800):
    """Until that is true of each crew, or it has failed."""
    end = time.monotonic() + limit
    with selectors.DefaultSelector() as streams:
        for crew in crews:
            for rank, process in enumerate(crew.processes):
                streams.register(process.stdout, selectors.EVENT_READ, (crew, rank))
        while not all(crew.failure or is_enough(crew) for crew in crews):
            for key, _ in streams.select(timeout=1):
                crew, rank = key.data
                try:
                    if not crew.failure and not crew.hear(rank):
                        streams.unregister(key.fileobj)
                except Failed as failure:
                    crew.failure = failure
                    crew.end()
            if time.monotonic() > end:
                raise Failed(f"the devices did not end within {limit} s")


def run_together(crews):
    """One after another gets ready; those that did are timed at once."""
    try:
        for crew in crews:
            crew.start()
            listen([crew], lambda crew: crew.is_ready or crew.is_done)
        going = [crew for crew in crews if crew.is_ready and not crew.failure]
        for crew in going:
            crew.go()
        listen(going, lambda crew: crew.is_done)
    finally:
        for crew in crews:
            crew.end()
