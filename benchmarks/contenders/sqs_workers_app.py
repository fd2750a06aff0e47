"""sqs-workers: a raw queue, its leanest form, in as many processes as BENCH_PROCESSES says."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from typing import Any

from payload import QUEUE, decode_and_handle, plain_messages
from sqs_workers import RawQueue, SQSEnv

messages = plain_messages


def consume() -> None:
    queue = SQSEnv().queue(QUEUE, RawQueue)

    @queue.raw_processor()
    def process(message: Any) -> None:
        decode_and_handle(message.body)

    queue.process_queue()


def main() -> None:
    # As its own SQSEnv.process_queues does it, which takes one process for each queue.
    processes = [
        multiprocessing.Process(target=consume) for _ in range(int(os.environ.get("BENCH_PROCESSES", "2")))
    ]
    for process in processes:
        process.start()

    def stop(number: int, _: object) -> None:
        for process in processes:
            process.terminate()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
