"""The plain boto3 loop: receive one, handle it, delete it."""

from __future__ import annotations

import boto3
from payload import QUEUE, decode_and_handle, plain_messages

messages = plain_messages


def main() -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    while True:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)
        for message in answer.get("Messages", ()):
            decode_and_handle(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main()
