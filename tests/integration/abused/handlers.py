"""What a handler can do to the consumer that calls it: a message names the abuse by its function."""

import _thread
import contextlib
import ctypes
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from blackcat import Message, Reject

log = getLogger("abuse")


@dataclass
class Order:
    id: int


def handle_order(order: Order) -> None: ...


async def handle_later(order: dict) -> None: ...


def handle(order: dict, message: Message) -> Any:
    if order["once"] and message.receive_count > 1:
        return None
    log.info("abuse.began", extra={"fields": {"abuse": order["abuse"], "pid": os.getpid()}})
    return globals()[order["abuse"]](**order["how"])


def nothing() -> None: ...


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def never_return() -> None:
    while True:
        with contextlib.suppress(BaseException):
            threading.Event().wait(0.01)


def never_let_go() -> None:
    while True:
        pass


def return_object() -> Any:
    return object()


def return_huge_text() -> str:
    return "x" * 10_000_000


def return_coroutine() -> Any:
    return handle_later({})


def return_generator() -> Any:
    return (number for number in range(3))


def return_decision() -> Any:
    return Reject("returned, where it should have been raised")


def raise_one_of_python(name: str) -> None:
    raise {kind.__name__: kind for kind in (KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration)}[
        name
    ]


def end_its_thread() -> None:
    _thread.exit()


def kill_its_thread() -> None:
    _kill(threading.current_thread())


def kill_thread(name: str) -> None:
    _kill(next(thread for thread in threading.enumerate() if thread.name == name))


def _kill(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
    )


def use_too_much_memory() -> None:
    bytearray(1 << 46)


def recurse() -> None:
    recurse()


def leave_a_thread_behind() -> None:
    threading.Thread(target=threading.Event().wait, name="left behind", daemon=False).start()


def fork_and_return() -> None:
    _tell_the_end_of(os.fork())


def fork_and_raise() -> None:
    child = os.fork()
    if child == 0:
        raise ValueError("in the child")
    _tell_the_end_of(child)


def fork_and_exit() -> None:
    child = os.fork()
    if child == 0:
        sys.exit(7)
    _tell_the_end_of(child)


def _tell_the_end_of(child: int) -> None:
    if child:
        _, status = os.waitpid(child, 0)
        log.info("child.ended", extra={"fields": {"status": os.waitstatus_to_exitcode(status)}})


def use_processes(method: str) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        log.info("pool.answered", extra={"fields": {"result": pool.submit(abs, -1).result()}})
    process = context.Process(target=nothing)
    process.start()
    process.join()
    log.info("child.ended", extra={"fields": {"status": process.exitcode}})


def run_a_command() -> None:
    subprocess.run(["true"], check=True)


def use_up_descriptors(seconds: float) -> None:
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(OSError):
            while True:
                taken.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        wait(seconds)


def log_much(lines: int) -> None:
    for number in range(lines):
        log.info("much.logged", extra={"fields": {"number": number, "text": "x" * 1000}})


def log_odd_text() -> None:
    log.info("odd.logged", extra={"fields": {"text": "é\u20ac\U0001f600\ud800\x00"}})
