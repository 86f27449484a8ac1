from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self):
        from common.services import envelopes, inbox, outbox
        from members import handlers
        from members.services import identities, intake

        envelopes.seal_data_with(identities.seal_in)
        inbox.register(*intake.event_types())
        outbox.subscribe("member.closed", "members.member_closed", handlers.member_closed)
        outbox.subscribe("member.merged", "members.member_merged", handlers.member_merged)
