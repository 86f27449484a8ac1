from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand
from django.db import transaction

from config import roles


class Command(BaseCommand):
    help = "Put the roles of config/roles.py into the database: groups with exactly these permissions."

    @transaction.atomic
    def handle(self, *args, **options):
        """Safe to run any number of times. People keep their groups; other groups are left alone."""
        for app in apps.get_app_configs():
            create_permissions(app, verbosity=0)
        for deed, name in roles.DEEDS.items():
            app_label, codename = deed.split(".")
            model = codename.rsplit("_", 1)[1]
            content_type = ContentType.objects.get_by_natural_key(app_label, model)
            Permission.objects.update_or_create(
                content_type=content_type, codename=codename, defaults={"name": str(name)}
            )
        known = {
            f"{permission.content_type.app_label}.{permission.codename}": permission
            for permission in Permission.objects.select_related("content_type")
        }
        for role, permissions in roles.ROLES.items():
            group, _created = Group.objects.get_or_create(name=role)
            group.permissions.set([known[permission] for permission in permissions])
        self.stdout.write(f"{len(roles.ROLES)} roles are as config/roles.py says.")
