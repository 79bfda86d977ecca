"""Django's entry for the front door."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load our Celery app: tasks queued from pages and commands would else go to Celery's default broker."""
        from console import celery

        celery.app.set_default()
