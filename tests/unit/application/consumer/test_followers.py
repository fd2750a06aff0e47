import threading
from datetime import timedelta

from blackcat.application.consumer.followers import Followers
from blackcat.domain.message import Lease

MINUTE = timedelta(minutes=1)


def test_followers_are_told_in_another_thread_and_their_failures_end_nothing(caplog):
    told = []
    failing, followed, ignored = Lease(), Lease(), Lease()
    failing.on_extended(lambda length: 1 / 0)
    followed.on_extended(lambda length: told.append((threading.current_thread().name, length)))
    followers = Followers()
    followers.tell([(failing, MINUTE), (ignored, MINUTE), (followed, MINUTE)])
    thread = threading.Thread(target=followers.run, name="followers")
    thread.start()
    followers.close()
    thread.join()
    assert told == [("followers", MINUTE)]
    assert [record.message for record in caplog.records] == ["lease.follower_failed"]
