from decimal import Decimal

import httpx

CATALOGUE = "http://127.0.0.1"
