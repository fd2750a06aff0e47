from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

logger = Logger(service="orders", level="WARNING")
processor = BatchProcessor(event_type=EventType.SQS)


def handle(record):
    record.json_body  # noqa: B018 - it is decoded when it is asked for


@logger.inject_lambda_context
def handler(event, context):
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
