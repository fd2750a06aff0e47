from aws_lambda_powertools import Logger

logger = Logger(service="nightly", level="WARNING")


@logger.inject_lambda_context
def handler(event, context):
    return {"ended": "finished"}
