from blackcat import run_microservice
from services import services

if __name__ == "__main__":
    run_microservice(services)
