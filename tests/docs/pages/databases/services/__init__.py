from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry([Service(name="shop", type=ServiceType.WORKER, entrypoint="shop:run")])
