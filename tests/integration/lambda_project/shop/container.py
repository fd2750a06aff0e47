import logging
import random

import punq

log = logging.getLogger("shop")


def build_container():
    log.info("container.built", extra={"fields": {"number": random.random()}})
    return punq.Container()
