# SPDX-License-Identifier: MIT
"""What happens when things go wrong for a while: the answers must stay right and nobody may wait for ever."""
import dataclasses
import os
import signal
import statistics
import threading
import time

from cells import LINKS, Cell

CELL = Cell("alexnet", "interleaved", 3, "100Mbit/0.5ms", 10.0)


def trial(bench, place, cell, disturb, seconds):
    """Runs for so long while `disturb(crew, place)` is up to something; rank 0 compares every run's scores with the first's."""
    started, stop = threading.Event(), threading.Event()
    crew = bench.crew(cell, place, bench.file("conditions.json", cell.cluster(bench.host)), seconds, progress=lambda runs: started.set())

    def work():
        if started.wait(60) and not stop.is_set():
            disturb(crew, place, stop)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        got = crew.run()
    finally:
        stop.set()
        started.set()
        thread.join()
    return got, bench.difference(cell.network, got[0]["scores"])


def nothing(_crew, _place, _stop):
    pass


def half_bandwidth(_crew, place, stop):
    stop.wait(1)
    place.shape(LINKS[CELL.link][0] / 2)


def pause(crew, _place, stop):
    """Twice: one device does not run for 300 ms."""
    for _ in range(2):
        if stop.wait(0.4):
            return
        process = crew.processes[1]
        try:
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(0.3)
        finally:
            os.kill(process.pid, signal.SIGCONT)


def lose_packets(_crew, place, stop):
    place.lose(0.05)
    stop.wait()
    place.lose(0)


def run(bench, cell=CELL, seconds=3):
    """Prints a line for each; whether all is well."""
    fine = True
    with bench.testbed() as testbed:
        place = testbed.place(cell.devices)
        where = "namespaces" if place.is_kernel_shaped else f"loopback ({testbed.why})"
        print(f"{cell.name}, {where}")
        can_lose = place.lose(0)
        for name, disturb, possible in (
                ("undisturbed", nothing, True),
                ("bandwidth halved in mid-run", half_bandwidth, place.is_kernel_shaped),
                ("one device stopped for 300 ms, twice", pause, True),
                ("5 % of all packets lost", lose_packets, can_lose)):
            if not possible:
                print(f"----  {name}: not possible here")
                continue
            begin = time.monotonic()
            got, apart = trial(bench, place, cell, disturb, seconds)
            latencies = sorted(got[0]["latencies_s"])
            right = apart <= 1e-5
            fine &= right
            longest = max((step["end"] - step["begin"], step["kind"], step["name"]) for step in got[0]["slowest_steps"])
            print(f"{'pass' if right else 'FAIL'}  {name}: {len(latencies)} inferences, p50 {statistics.median(latencies) * 1e3:.1f} ms, "
                  f"slowest {latencies[-1] * 1e3:.1f} ms, in which {' '.join(filter(None, longest[1:]))} took {longest[0] * 1e3:.1f} ms; scores apart by "
                  f"{apart:.1e}; {time.monotonic() - begin:.1f} s", flush=True)
    return fine


def small(policy="interleaved"):
    """Of the test: a moment of LeNet-5."""
    return dataclasses.replace(CELL, network="lenet5", policy=policy)
