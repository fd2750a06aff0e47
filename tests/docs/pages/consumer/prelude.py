from datetime import timedelta

from blackcat import CircuitBreaker, RetryPolicy, Service, ServiceType
from blackcat.resources import TableResource
