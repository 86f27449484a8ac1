from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    verbose_name = _("Loyalty")

    def ready(self):
        from common.services import inbox, outbox
        from loyalty import handlers
        from loyalty.selectors import campaign_undos, conduct_ratings, gift_campaigns, origins, programme
        from loyalty.selectors import leaving as own_leaving
        from loyalty.selectors import members as member_selectors
        from loyalty.selectors import merging as own_merging
        from loyalty.selectors.records import RECORDS
        from loyalty.services import intake, risk
        from members.api import authentication
        from members.selectors import leaving, merging, records
        from members.services import admission, risk_events, risk_standings

        records.register(*RECORDS)
        leaving.register(own_leaving.of_members)
        merging.register(merge=own_merging.merge, part=own_merging.part)
        authentication.read_by(member_selectors.named)
        admission.decide_by(programme.registers_unknown_members)
        inbox.register(*intake.event_types())
        inbox.register_resolver(intake.resolve)
        origins.name_references("undo", campaign_undos.references)
        origins.name_references("gift", gift_campaigns.references)
        for event_type, guarded in risk.GUARDED.items():
            risk_events.register(event_type, guarded)
        risk_standings.said_by(conduct_ratings.standings)
        outbox.subscribe("risk.met", "loyalty.risk_met", handlers.risk_met)
        outbox.subscribe_batch("member.registered", "loyalty.member_registered", handlers.members_registered)
        outbox.subscribe("member.credit_updated", "loyalty.credit_updated", handlers.credit_updated)
        outbox.subscribe("member.closed", "loyalty.member_closed", handlers.member_closed)
        outbox.subscribe("member.merged", "loyalty.member_merged", handlers.member_merged)
        outbox.subscribe("member.unmerged", "loyalty.member_unmerged", handlers.member_unmerged)
