"""Pages of the console under ten readers who think for a second between two pages: `python -m bench.pages WORKSPACE`.

There is no competitor that answers the same pages, so this is measured against the house's target alone (200 ms at the
95th percentile) and is no part of `bench.run`, which compares. The server is a process of its own on loopback; every
reader opens pages of all kinds, each customer's page for the first time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import psutil

TARGET_MS = 200
WARM_SECONDS = 10


class Reader:
    """One reader with a connection that is kept.

    Args:
        home: address of the console.
    """

    def __init__(self, home: str) -> None:
        parts = urlsplit(home)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)

    def get(self, path: str) -> tuple[int, bytes, float]:
        """Status, body and milliseconds of one page."""
        begin = time.perf_counter()
        self._connection.request("GET", path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        answer = self._connection.getresponse()
        body = answer.read()
        return answer.status, body, 1000 * (time.perf_counter() - begin)

    def rows(self, path: str) -> list[dict[str, object]]:
        """The rows of a page as data."""
        self._connection.request("GET", f"{path}.json")
        return list(json.loads(self._connection.getresponse().read())["rows"])


def paths_of(home: str) -> list[str]:
    """Addresses of every kind of page; a customer's own page stands thirty times in them."""
    reader = Reader(home)
    customers = [f"/customers/{row['customer_id']}" for row in reader.rows("/customers")]
    segments = [f"/segments/{row['segment']}" for row in reader.rows("/segments")]
    ended = [f"/campaigns/{row['campaign']}/result" for row in reader.rows("/campaigns") if row["campaign"]]
    listed = ["/", "/data", "/data/quality", "/catalogue", "/customers", "/customers?class=residential"]
    listed += ["/segments", "/plays", "/campaigns", "/jobs", "/audit"]
    return [*listed * 4, *segments, *ended * 4, *customers]


def measured(home: str, readers: int, seconds: float, think: float) -> dict[str, list[float]]:
    """Milliseconds by kind of page."""
    paths, found, end = paths_of(home), defaultdict(list), time.monotonic() + seconds
    guard = threading.Lock()

    def read(number: int) -> None:
        chosen, reader = random.Random(number), Reader(home)
        time.sleep(think * chosen.random())
        while time.monotonic() < end:
            path = chosen.choice(paths)
            status, _, took = reader.get(path)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
            parts = path.split("?")[0].split("/")
            with guard:
                found["/".join(parts[:2]) + ("/…" if len(parts) > 2 else "")].append(took)
            time.sleep(think)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return dict(found)


def at(times: list[float], share: float) -> float:
    """A quantile of times."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 when the target is met."""
    parser = argparse.ArgumentParser(description="Measure the pages of a workspace under several readers.")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=1.0, help="seconds between two pages of a reader")
    options = parser.parse_args(arguments)
    command = [
        sys.executable,
        "-m",
        "gridloop.apps.cli",
        "serve",
        "-w",
        str(options.workspace),
        "--port",
        "0",
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    home = server.stdout.readline().removeprefix("The console: ").strip().rstrip("/")
    try:
        measured(home, options.readers, WARM_SECONDS, options.think)
        found = measured(home, options.readers, options.seconds, options.think)
        peak = psutil.Process(server.pid).memory_info().rss / 1e6
    finally:
        server.terminate()
        server.wait(30)
    every = [took for times in found.values() for took in times]
    for name, times in sorted({**found, "all": every}.items()):
        sys.stdout.write(
            f"{name:<14} {len(times):5} pages  {at(times, 0.5):6.0f} ms  95 %: {at(times, 0.95):6.0f} ms\n"
        )
    sys.stdout.write(f"memory of the server: {peak:.0f} MB\n")
    return int(at(every, 0.95) > TARGET_MS)


if __name__ == "__main__":
    raise SystemExit(main())
