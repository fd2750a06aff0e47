from blackcat import ServiceRegistry

services = ServiceRegistry([])
