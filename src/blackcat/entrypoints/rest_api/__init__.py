"""A REST API: Flask Blueprints with validation, injection and problem details, served by gunicorn."""
