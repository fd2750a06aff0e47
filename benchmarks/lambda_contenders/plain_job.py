def handler(event, context):
    return {"ended": "finished"}
