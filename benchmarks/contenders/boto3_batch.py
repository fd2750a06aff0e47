"""The floor: the best simple boto3 loop, which receives ten and deletes them in one call."""

from __future__ import annotations

import boto3
from payload import QUEUE, decode_and_handle, plain_messages

messages = plain_messages


def main() -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    while True:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10)
        handled = []
        for number, message in enumerate(answer.get("Messages", ())):
            decode_and_handle(message["Body"])
            handled.append({"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]})
        if handled:
            sqs.delete_message_batch(QueueUrl=url, Entries=handled)


if __name__ == "__main__":
    main()
