from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self):
        from common.services import envelopes, event_types, inbox, looks, outbox
        from members import handlers
        from members.models.risk_words import Action
        from members.selectors import leaving, merging, records
        from members.services import identities, intake, risk_events

        records.register(*records.RECORDS)
        looks.lead_by(records.lead)
        leaving.register(leaving.of_members)
        merging.register(merge=merging.merge, part=merging.part)
        envelopes.seal_with(identities.seal_in, identities.mark)
        event_types.guard_with(risk_events.guard)
        risk_events.register("member.registered", risk_events.Guarded(Action.SIGN_UP))
        inbox.register(*intake.event_types())
        outbox.subscribe("member.closed", "members.member_closed", handlers.member_closed)
        outbox.subscribe("member.merged", "members.member_merged", handlers.member_merged)
        outbox.subscribe("member.unmerged", "members.member_unmerged", handlers.member_unmerged)
