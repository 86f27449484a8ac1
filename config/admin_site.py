from django.contrib.admin.apps import AdminConfig


class OperatorsAdminConfig(AdminConfig):
    """Makes the operators' site the default one, so that third-party pages land there too."""

    default_site = "common.admin.sites.default"
