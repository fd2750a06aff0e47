from datetime import timedelta
from typing import Any

import pytest
from services import reminders

from blackcat import Handled, Rejected
from blackcat.testing import InMemoryBroker
from blackcat.testing.events import (
    LambdaContext,
    alb_event,
    api_gateway_v1_event,
    api_gateway_v2_event,
    eventbridge_event,
    function_url_event,
    schedule_event,
    sns_event,
    sns_notification,
)

container_with_fakes: Any = None
