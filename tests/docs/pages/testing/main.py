from services import services

from blackcat import run_microservice

if __name__ == "__main__":
    run_microservice(services)
