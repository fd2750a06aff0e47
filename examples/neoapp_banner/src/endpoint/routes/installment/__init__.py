from .installment_routes import router as router
