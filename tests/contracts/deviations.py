"""Where a backend does otherwise than a suite asks: test by test, with the reason.

Each is a strict expected failure and is listed in docs/en/contracts.md. A backend that mends one fails
the run until its line here is removed; only what fails sometimes may pass.
"""

from __future__ import annotations

from collections.abc import Mapping

IN_MEMORY = "in memory"
MINISTACK = "ministack"
MOTO = "moto"
RABBITMQ = "RabbitMQ"


class Sometimes(str):
    """The reason for which a test fails now and then: a race in the backend."""

    __slots__ = ()


_NO_FIFO = "it has neither message groups nor deduplication: FIFO queues and topics are refused by name"
_EVERY_RECEIPT = "every receipt that a message ever had is good for as long as it exists"
_NO_TOKENS = "the ClientRequestToken is ignored: a repetition is carried out again"

# suite → backend → test, with its case where only that one fails → reason
DEVIATIONS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "QueueContract": {
        MOTO: {
            "test_a_receipt_ends_with_the_next_receive": _EVERY_RECEIPT,
            "test_a_receipt_of_an_earlier_time_deletes_nothing": _EVERY_RECEIPT,
            "test_fifo_drops_duplicates": "a duplicate is dropped, but answered with a message id of its own",
            "test_fifo_remembers_a_deleted_message": (
                "a deleted message is forgotten with its deduplication id, not after five minutes"
            ),
            "test_fifo_needs_something_to_know_duplicates_by": (
                "SendMessageBatch fails as a whole instead of naming the entry"
            ),
        },
        RABBITMQ: {
            "test_fifo_keeps_the_order_of_each_group": _NO_FIFO,
            "test_fifo_holds_a_group_back_while_one_of_it_is_held": _NO_FIFO,
            "test_fifo_gives_a_failed_message_again_before_later_ones": _NO_FIFO,
            "test_fifo_drops_duplicates": _NO_FIFO,
            "test_fifo_remembers_a_deleted_message": _NO_FIFO,
            "test_fifo_messages_carry_their_ids": _NO_FIFO,
            "test_fifo_needs_a_group": _NO_FIFO,
            "test_fifo_takes_no_delay_per_message": _NO_FIFO,
            "test_fifo_needs_something_to_know_duplicates_by": _NO_FIFO,
        },
    },
    "TopicContract": {
        MINISTACK: {
            "test_bytes_survive_the_envelope": "binary values are left out of the envelope",
        },
        MOTO: {
            "test_fifo_keeps_order_and_drops_duplicates": (
                "content based deduplication of a topic is not handed on: the queue refuses the message"
            ),
        },
        RABBITMQ: {
            "test_fifo_keeps_order_and_drops_duplicates": _NO_FIFO,
            "test_fifo_needs_a_group": _NO_FIFO,
            "test_fifo_needs_something_to_know_duplicates_by": _NO_FIFO,
        },
    },
    "EventBusContract": {
        MINISTACK: {
            "test_an_event_tells_its_time": "every event gets the time of the call",
        },
        MOTO: {
            "test_a_pattern_chooses[true]": "1 is taken for true, as Python compares them",
        },
    },
    "SecretStoreContract": {
        MOTO: {
            "test_a_deleted_secret_is_told": (
                "GetSecretValue refuses it as AWS does (InvalidRequestException), but in words by which it "
                "cannot be told from other refusals"
            ),
        },
    },
    "TransactionsContract": {
        MOTO: {
            "test_a_token_makes_a_repetition_harmless": _NO_TOKENS,
            "test_no_money_is_lost_between_accounts": Sometimes(
                "sometimes: a transaction that fails puts back a copy of the whole table, and so undoes what "
                "others wrote meanwhile"
            ),
        },
    },
    "RepositoryContract": {
        MOTO: {
            "test_a_transaction_spans_repositories": _NO_TOKENS,
        },
    },
}
