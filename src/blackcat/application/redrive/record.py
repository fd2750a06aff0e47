"""A message as a line of JSON, to keep what is purged."""

from __future__ import annotations

import base64
import json
from typing import Any

from blackcat.domain.message import Attribute, Message


def record(message: Message) -> dict[str, Any]:
    """All of the message that another could be made from; bytes stand in base64."""
    known = {
        "id": message.id,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "receive_count": message.receive_count,
        "group_id": message.group_id,
        "deduplication_id": message.deduplication_id,
        "body": message.original_body,
        "attributes": {name: _attribute(value) for name, value in message.original_attributes.items()},
    }
    return {name: value for name, value in known.items() if value not in (None, {})}


def line(message: Message) -> str:
    return json.dumps(record(message), ensure_ascii=False)


def _attribute(attribute: Attribute) -> dict[str, str]:
    value = attribute.value
    text = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    return {"type": attribute.type, "value": text}
