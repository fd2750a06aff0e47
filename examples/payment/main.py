"""Runs the service that SERVICE_NAME names: ``SERVICE_NAME=payment_api python main.py``."""

from blackcat import run_microservice
from services import services

if __name__ == "__main__":
    run_microservice(services)
