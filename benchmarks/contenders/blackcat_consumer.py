"""Blackcat, as a user writes it; transport and concurrency come from the environment."""

from __future__ import annotations

from payload import QUEUE, handle, plain_messages

from blackcat import Service, ServiceType, run_microservice

messages = plain_messages


def consume(payload: dict) -> None:  # type: ignore[type-arg]  # any JSON object
    handle(payload)


if __name__ == "__main__":
    run_microservice(Service(name="bench", type=ServiceType.CONSUMER, entrypoint=consume, queue_name=QUEUE))
