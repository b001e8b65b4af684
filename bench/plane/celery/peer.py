"""Celery with results on the same Valkey: a no-op task, a worker with a process a core, defaults otherwise.

Reads one line of JSON a question on stdin, writes one a answer on stdout.
"""

import json
import os
import subprocess
import sys
import time

from celery import Celery, chain

URL = os.environ["PEER_REDIS_URL"]
app = Celery("peer", broker=f"{URL}/1", backend=f"{URL}/2")
TICK = os.sysconf("SC_CLK_TCK")


@app.task
def nothing():
    return None


def throughput(runs):
    """Enqueues all while the worker takes them; ends when every result is there."""
    backend = app.backend
    began, cpu = time.perf_counter(), worker_cpu()
    own = time.process_time()
    keys = [backend.get_key_for_task(nothing.delay().id) for _ in range(runs)]
    enqueued = time.perf_counter()
    own = time.process_time() - own
    while backend.client.exists(*keys) < runs:
        time.sleep(0.005)
    ended = time.perf_counter()
    return {
        "ms": (ended - began) * 1000,
        "enqueueMs": (enqueued - began) * 1000,
        "enqueueCpuMs": own * 1000,
        "workerCpuMs": (worker_cpu() - cpu) * 1000,
    }


def chains(count):
    """Each from the call to the result of the third task."""
    samples = []
    for _ in range(count):
        began = time.perf_counter()
        chain(nothing.si(), nothing.si(), nothing.si()).delay().get(timeout=30)
        samples.append((time.perf_counter() - began) * 1000)
    return samples


def worker_cpu():
    """Seconds of processor time of the worker and its pool."""
    with open(f"/proc/{worker.pid}/task/{worker.pid}/children") as file:
        pids = [worker.pid, *map(int, file.read().split())]
    return sum(process_cpu(pid) for pid in pids)


def process_cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


if __name__ == "__main__":
    command = [sys.executable, "-m", "celery", "-A", "peer", "worker", "-c", str(os.cpu_count()), "-l", "ERROR"]
    worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        nothing.delay().get(timeout=60)
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            question = json.loads(line)
            answer = {"throughput": throughput, "chains": chains}[question["name"]](question["count"])
            print(json.dumps(answer), flush=True)
    finally:
        worker.terminate()
        worker.wait()
