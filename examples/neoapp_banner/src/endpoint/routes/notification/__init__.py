from .notification_routes import router as router
