from django.apps import AppConfig

from config import checks  # noqa: F401  registers the system checks


class ConfigConfig(AppConfig):
    """The roof: settings, addresses, the schedule and the commands that need every floor."""

    name = "config"
