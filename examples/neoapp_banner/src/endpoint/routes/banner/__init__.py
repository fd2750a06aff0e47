from .banner_routes import router as router
