"""The consumer: receives, handles and settles the messages of one queue.

``consumer`` opens the queue; ``running`` puts the parts together. A message goes from the ``pollers``
(with ``permits``, and within ``rate``, ``breaker`` and ``failing_groups``) to the ``handler_threads``,
whose decision the ``settlement`` carries out: the ``acknowledger`` deletes what is done, by tens, and
``dead_letters`` makes the copy of what was rejected. Meanwhile the ``keeper`` extends its lease, as
the book of ``leases`` says.
"""
