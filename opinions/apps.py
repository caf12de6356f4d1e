from django.apps import AppConfig


class OpinionsConfig(AppConfig):
    name = "opinions"
    default_auto_field = "django.db.models.BigAutoField"
