import json

from lambda_contenders.events import SHOWN


def handler(event, context):
    item = int(event["rawPath"].rpartition("/")[2])
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(SHOWN | {"id": item}),
    }
