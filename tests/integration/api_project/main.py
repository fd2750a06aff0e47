from datetime import timedelta

from blackcat import Check, Service, ServiceType, run_microservice

if __name__ == "__main__":
    run_microservice(
        Service(
            name="shop",
            type=ServiceType.REST_API,
            endpoint_module="shop_api",
            checks=[
                Check("database", "shop_api:database"),
                Check("cache", "shop_api:cache", timeout=timedelta(seconds=10)),
            ],
        )
    )
