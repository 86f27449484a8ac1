from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self):
        from common.services import inbox
        from members.services import intake

        inbox.register(*intake.event_types())
