from .payment_routes import router as router
