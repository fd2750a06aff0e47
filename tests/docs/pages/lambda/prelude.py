import os

os.environ["SERVICE_NAME"] = "start_payment"
