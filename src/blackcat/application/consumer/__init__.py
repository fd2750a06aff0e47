"""The consumer: receives, handles and settles the messages of one queue.

``consumer`` puts the parts together: ``permits`` before polls, ``poller``, ``workers`` that handle,
``settlement`` of what the handler decided, ``acknowledgements`` deleted in batches, ``leases`` kept
alive meanwhile.
"""
