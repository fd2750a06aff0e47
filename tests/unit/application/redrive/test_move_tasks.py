"""SQS's own move, watched to its end."""

from blackcat.application.redrive.move_tasks import MoveTask, follow


class Scripted:
    def __init__(self, *tasks):
        self._tasks = list(tasks)
        self.cancelled = []

    def start(self, dead_letters, target, *, per_second):
        raise AssertionError("it runs already")

    def latest(self, dead_letters):
        return self._tasks.pop(0)

    def cancel(self, dead_letters, handle):
        self.cancelled.append((dead_letters, handle))


def followed(tasks, stopping=lambda: False):
    progress, pauses = [], []
    task = follow(tasks, "dlq", "h", stopping=stopping, pause=pauses.append, progress=progress.append)
    return task, progress, pauses


def test_it_is_followed_until_it_ends():
    end = MoveTask("COMPLETED", 10, 10)
    task, progress, pauses = followed(Scripted(MoveTask("RUNNING", 0, 10), MoveTask("RUNNING", 4, 10), end))
    assert task is end
    assert progress == [0, 4, 6]
    assert len(pauses) == 2


def test_a_request_to_stop_cancels_it_once_and_waits_for_its_end():
    tasks = Scripted(MoveTask("RUNNING", 1, 10), MoveTask("CANCELLING", 2, 10), MoveTask("CANCELLED", 3, 10))
    task, _, _ = followed(tasks, stopping=lambda: True)
    assert task.status == "CANCELLED"
    assert tasks.cancelled == [("dlq", "h")]
