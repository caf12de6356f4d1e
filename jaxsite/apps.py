from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "jaxsite"
    default_auto_field = "django.db.models.BigAutoField"
