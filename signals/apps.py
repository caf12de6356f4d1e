from django.apps import AppConfig


class SignalsConfig(AppConfig):
    name = "signals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from market import doctor
        from signals.scan import failures

        doctor.MORE.append(failures.findings)
