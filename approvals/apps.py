from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from approvals.execution import describing, ib_setup, quarantine, statements
        from approvals.execution.paper import waiting
        from market import doctor

        others = [ib_setup.findings, statements.findings]
        doctor.MORE += [describing.findings, quarantine.findings, waiting.findings, *others]
