"""An HTTP server on loopback for the scripts beside it; prints its port and serves until ended.

``--freeze 5:2``: from 5 s after the first request on, nothing is answered for 2 s.
``--workers 4:0.02``: a request waits for one of 4 workers, which takes 20 ms for it: 200 a second.
"""

import argparse
import asyncio
import heapq
import time

from aiohttp import web


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freeze", default="0:0", help="AFTER:SECONDS")
    parser.add_argument("--workers", default="0:0", help="COUNT:SECONDS")
    options = parser.parse_args()
    after, length = (float(part) for part in options.freeze.split(":"))
    count, _, service = options.workers.partition(":")
    asyncio.run(serve(after, length, [0.0] * int(count), float(service)))


async def serve(after: float, length: float, free: list[float], service: float) -> None:
    """Answer every request with two bytes, except while frozen; ``free``: when a worker is."""
    started: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        del request
        now = time.perf_counter()
        if not started:
            started.append(now)
            if length:
                # The whole loop stops, as it does in a long garbage collection or a blocking call.
                asyncio.get_running_loop().call_later(after, time.sleep, length)
        if free:
            # Decided beforehand, so that a timer that is late takes nothing from the capacity.
            done = max(now, heapq.heappop(free)) + service
            heapq.heappush(free, done)
            await asyncio.sleep(done - now)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
