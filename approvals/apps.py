from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from approvals.execution import quarantine
        from approvals.execution.paper import waiting
        from market import doctor

        doctor.MORE += [quarantine.findings, waiting.findings]
