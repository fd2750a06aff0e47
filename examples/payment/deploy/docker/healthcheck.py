"""Asks the service of this container for its health, for the Dockerfile: status 0 means healthy."""

import os
import sys
from urllib.request import urlopen

# Where each service answers; a worker, which answers nowhere, is healthy while it runs.
PORTS = {
    "start_payment": os.environ.get("HEALTH_PORT") or "8080",
    "payment_processed": os.environ.get("HEALTH_PORT") or "8080",
    "payment_api": os.environ.get("PORT") or "8000",
}


def main() -> None:
    port = PORTS.get(os.environ.get("SERVICE_NAME", ""))
    if port is None:
        return
    try:
        urlopen(f"http://127.0.0.1:{port}/health/live", timeout=4).close()
    except OSError as error:
        sys.exit(f"not healthy: {error}")


if __name__ == "__main__":
    main()
