from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lambda_contenders.events import SHOWN

logger = Logger(service="shop", level="WARNING")
app = APIGatewayHttpResolver()


@app.get("/items/<item>")
def show(item):
    return SHOWN | {"id": int(item)}


@logger.inject_lambda_context
def handler(event, context):
    return app.resolve(event, context)
