"""Permissions of the API: the default of every view."""

from rest_framework.permissions import DjangoModelPermissions

VIEW = ["%(app_label)s.view_%(model_name)s"]


class ModelPermissions(DjangoModelPermissions):
    """Reading asks for the permission to view the view's model, as writing asks for that to add or change."""

    message = (
        "Your user may not do this. Ask whoever runs this site for a role: viewers read, traders decide, "
        "operators configure and halt."
    )
    perms_map = DjangoModelPermissions.perms_map | {"GET": VIEW, "HEAD": VIEW, "OPTIONS": VIEW}


class MayChange(ModelPermissions):
    """An action on a row that is there asks for the permission to change it."""

    perms_map = ModelPermissions.perms_map | {"POST": ["%(app_label)s.change_%(model_name)s"]}
