from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RewardsConfig(AppConfig):
    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self):
        from common.services import outbox
        from loyalty.selectors import origins
        from loyalty.services import invariants
        from members.selectors import leaving, records
        from rewards import handlers
        from rewards.selectors import leaving as own_leaving
        from rewards.selectors import origins as own_origins
        from rewards.selectors.records import RECORDS
        from rewards.services.invariants import ALL

        records.register(*RECORDS)
        leaving.register(own_leaving.of_members)
        invariants.register(*ALL)
        origins.name_references("redemption", own_origins.redemptions)
        origins.name_references("game", own_origins.games)
        origins.name_references("birthday", own_origins.birthdays)
        outbox.subscribe("hold.lapsed", "rewards.hold_lapsed", handlers.hold_lapsed)
        outbox.subscribe("member.closed", "rewards.member_closed", handlers.member_closed)
        outbox.subscribe("order.cancelled", "rewards.order_cancelled", handlers.order_cancelled)
