"""One lock under processes that are killed, paused and resumed at random."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, Provisioner
from blackcat.resources import TableResource

HOLDER = Path(__file__).with_name("worker_project") / "holder.py"
ROUNDS = 40


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_tokens_grow_and_no_write_of_an_older_run_follows_one_of_a_newer(
    aws_options: AwsOptions, unique: str, tmp_path: Path, seed: int
) -> None:
    resource = TableResource(f"{unique}_lock", key="name")
    Provisioner(aws_options).create(resource)
    arguments = [str(aws_options.endpoint_url), str(aws_options.region), resource.name, "tidy"]
    chance = random.Random(seed)
    logs: list[Path] = []

    def start() -> subprocess.Popen[bytes]:
        logs.append(tmp_path / f"{len(logs)}.log")
        with logs[-1].open("wb") as output:
            return subprocess.Popen(
                [sys.executable, str(HOLDER), *arguments], stdout=output, stderr=subprocess.DEVNULL
            )

    processes = [start() for _ in range(3)]
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.05, 0.6))
            index = chance.randrange(len(processes))
            if chance.random() < 0.4:
                processes[index].kill()
                processes[index].wait()
                processes[index] = start()
            else:
                os.kill(processes[index].pid, signal.SIGSTOP)
                time.sleep(chance.choice([0.1, 2.5]))
                os.kill(processes[index].pid, signal.SIGCONT)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    found = DynamoTable(resource, aws_options).get({"name": "tidy/data"})
    assert found is not None
    tokens = found["tokens"]
    assert tokens == sorted(set(tokens))
    assert len(tokens) > 5
    began = [
        line.split()[1] for log in logs for line in log.read_text().splitlines() if line.startswith("began")
    ]
    assert len(began) == len(set(began))
