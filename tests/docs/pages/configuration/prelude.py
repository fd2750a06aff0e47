from blackcat import SecretValue, Service, ServiceType
from blackcat.resources import SecretResource
