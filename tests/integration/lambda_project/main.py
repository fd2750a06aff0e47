from blackcat import lambda_handler
from services import services

handler = lambda_handler(services)
