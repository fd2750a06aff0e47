from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import SecretResource

database = SecretResource("shop/db", dev_value={"username": "shop", "password": "dev"})
services = ServiceRegistry(
    [Service(name="shop", type=ServiceType.WORKER, entrypoint="shop:run", uses=[database.read()])]
)
