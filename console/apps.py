"""Django's entry for the front door."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load our Celery app: tasks queued from pages and commands would else go to Celery's default broker.

        And listen to who signs in.
        """
        from console import celery, sign_in_record

        celery.app.set_default()
        sign_in_record.listen()
