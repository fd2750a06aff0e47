"""Measures all contenders beside each other and writes RESULTS.md.

python benchmarks/run.py                         all of them, three rounds
python benchmarks/run.py --quick                 2,000 messages, one round, to standard output
python benchmarks/run.py --only floor,blackcat   a subset, to standard output
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import fake_load
from figures import Results
from lineup import Contender, contenders
from measure import FakeSqs, MeasurementError, Run, Stop, fake_sqs, measure, measure_idle, measure_stop
from report import report

log = logging.getLogger("bench")


def main() -> None:
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    wanted = [one for one in contenders() if not options.only or one.key in options.only.split(",")]
    latencies = [float(text) / 1000 for text in options.latencies.split(",")]
    results = Results(wanted, latencies)
    with fake_sqs() as fake:
        alone = fake_load.load(fake)
        log.info("%s", alone)
        for number in range(1, options.rounds + 1):
            for latency in latencies:
                log.info("round %d of %d, %.0f ms", number, options.rounds, latency * 1000)
                _round(results, fake, latency, options)
    if options.idle:
        log.info("idle, %.0f s", options.idle)
        results.idle = measure_idle([one for one in wanted if one.name not in results.failures], options.idle)
    settings = (
        f"{options.rounds} rounds, interleaved, of {options.messages:,} messages, "
        f"{options.seconds:.0f} s at most for each"
    )
    text = report(results, settings=settings, fake=_fake(results, alone), idle_seconds=options.idle or 1.0)
    if options.output:
        Path(options.output).write_text(text)
        log.info("written: %s", options.output)
    else:
        sys.stdout.write(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Blackcat beside its peers, on a fake SQS")
    parser.add_argument("--only", help="keys: " + ",".join(one.key for one in contenders()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="the longest run (20)")
    parser.add_argument("--latencies", default="0,10", help="milliseconds added to each call (0,10)")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds on an empty queue; 0: leave it out")
    parser.add_argument("--quick", action="store_true", help="2,000 messages, one round, 5 s idle")
    parser.add_argument("--output", help="the file to write (RESULTS.md, when all are measured)")
    options = parser.parse_args()
    if options.quick:
        options.messages, options.rounds, options.seconds, options.idle = 2000, 1, 5.0, 5.0
    if not options.output and not options.only and not options.quick:
        options.output = str(Path(__file__).with_name("RESULTS.md"))
    return options


def _round(results: Results, fake: FakeSqs, latency: float, options: argparse.Namespace) -> None:
    def measured(contender: Contender) -> tuple[Run, Stop]:
        run = measure(contender, fake, count=options.messages, latency=latency, seconds=options.seconds)
        return run, measure_stop(contender, fake, latency=latency)

    for contender in results.contenders:
        place = (contender.key, latency)
        if contender.name in results.failures:
            continue  # one that failed once is left out: its rounds would not stand beside the others'
        try:
            run, stop = measured(contender)
        except MeasurementError as failure:
            log.warning("%s", failure)
            results.failures[contender.name] = str(failure)
        else:
            results.runs.setdefault(place, []).append(run)
            results.stops.setdefault(place, []).append(stop)
            log.info(
                "%-34s %7.0f/s  %.3f CPU s/1000  %3.0f MB  first %.2f s  stop %.2f s, %d hidden",
                contender.name,
                run.messages_per_second,
                run.cpu_per_1000,
                run.peak_megabytes,
                run.seconds_to_first,
                stop.seconds,
                stop.hidden,
            )


def _fake(results: Results, alone: fake_load.Load) -> str:
    runs = [run for runs in results.runs.values() for run in runs]
    if not runs:
        return f"{alone}"
    fastest = max(runs, key=lambda run: run.messages_per_second)
    return (
        f"{alone} In the fastest run here, {fastest.messages_per_second:,.0f} messages per second, "
        f"it took {fastest.fake_cpu_share:.0%} of one core."
    )


if __name__ == "__main__":
    main()
