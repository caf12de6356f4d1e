from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "jaxsite"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jaxsite import checks  # noqa: F401  registers them; Django must be set up first
