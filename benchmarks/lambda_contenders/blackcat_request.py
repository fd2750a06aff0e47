from blackcat import Service, ServiceType, lambda_handler

handler = lambda_handler(
    Service(name="shop", type=ServiceType.REST_API, endpoint_module="lambda_contenders.blackcat_views")
)
