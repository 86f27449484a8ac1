from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    name = "merchants"
    verbose_name = _("Merchants")

    def ready(self):
        from common.services import inbox, outbox
        from loyalty.selectors import criteria, origins
        from loyalty.services import invariants
        from members.selectors import leaving, merging, records
        from members.services import recipients as consent_recipients
        from merchants import handlers
        from merchants.selectors import leaving as own_leaving
        from merchants.selectors import levels, recipients
        from merchants.selectors import merging as own_merging
        from merchants.selectors import origins as merchant_origins
        from merchants.selectors.records import RECORDS
        from merchants.services import intake
        from merchants.services.invariants import cards

        records.register(*RECORDS)
        leaving.register(own_leaving.of_members)
        merging.register(merge=own_merging.merge, part=own_merging.part)
        consent_recipients.found_by(recipients.by_code)
        inbox.register(*intake.event_types())
        invariants.register(*cards.ALL)
        criteria.card_levels_by(levels.members_at)
        origins.name_references("merchant", merchant_origins.references)
        origins.name_funders(merchant_origins.funders)
        outbox.subscribe_batch("order.completed", "merchants.order_completed", handlers.orders_completed)
        outbox.subscribe("order.refunded", "merchants.order_refunded", handlers.order_refunded)
        outbox.subscribe("member.closed", "merchants.member_closed", handlers.member_closed)
        outbox.subscribe("member.merged", "merchants.member_merged", handlers.member_merged)
        outbox.subscribe("member.unmerged", "merchants.member_unmerged", handlers.member_unmerged)
        outbox.subscribe("member.updated", "merchants.member_updated", handlers.member_updated)
        outbox.subscribe_batch("card.opened", "merchants.card_opened", handlers.cards_opened)
        outbox.subscribe("consent.given", "merchants.consent_given", handlers.consent_given)
        outbox.subscribe("consent.withdrawn", "merchants.consent_withdrawn", handlers.consent_withdrawn)
        outbox.subscribe_batch("card.opened", "merchants.give_for_joining", handlers.give_for_joining)
        outbox.subscribe_batch("order.completed", "merchants.give_for_order", handlers.give_for_orders)
        outbox.subscribe("order.refunded", "merchants.take_back_for_refund", handlers.take_back_for_refund)
        outbox.subscribe("merchant_campaign.short", "merchants.look_into_campaign", handlers.look_into_campaign)
