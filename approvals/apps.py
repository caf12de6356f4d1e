from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from approvals.execution import describing, quarantine, statements
        from approvals.execution.paper import waiting
        from market import doctor

        doctor.MORE += [describing.findings, quarantine.findings, waiting.findings, statements.findings]
