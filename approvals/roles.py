"""Who may do what: three groups that migrations make and add to. What an operator adds to them stays."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.management import create_permissions

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEWER, TRADER, OPERATOR = "viewer", "trader", "operator"
APPS = ("market", "signals", "opinions", "approvals")


def views(apps: "Apps") -> list[str]:
    """Return the permissions to view each model that may be viewed, of those there are at this point."""
    models = [model._meta for label in APPS for model in apps.get_app_config(label).get_models()]
    return [
        f"{model.app_label}.view_{model.model_name}"
        for model in models
        if "view" in model.default_permissions
    ]


def grant(apps: "Apps", role: str, permissions: Iterable[str]) -> None:
    """Give a role more permissions, named as in "approvals.add_tradinghalt". A role that is missing is made.

    For migrations: a model's permissions are otherwise made only after all migrations have run.
    """
    for label in APPS:
        _make_permissions(apps, label)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
    stored = apps.get_model("auth", "Permission").objects
    for label, codename in (name.split(".") for name in permissions):
        group.permissions.add(stored.get(content_type__app_label=label, codename=codename))


def grant_alike(apps: "Apps", permission: str, like: str) -> None:
    """Give a permission to each group and user that has another of its app. For migrations, as `grant`."""
    label = permission.partition(".")[0]
    _make_permissions(apps, label)
    stored = apps.get_model("auth", "Permission").objects.filter(content_type__app_label=label)
    given, held = (stored.get(codename=name.partition(".")[2]) for name in (permission, like))
    given.group_set.add(*held.group_set.all())
    given.user_set.add(*held.user_set.all())


def _make_permissions(apps: "Apps", label: str) -> None:
    config: Any = apps.get_app_config(label)
    if not getattr(config, "models_module", None):
        config.models_module = True  # a migration's stand-in for an app has none, and is passed over without
    create_permissions(config, apps=apps, verbosity=0)
