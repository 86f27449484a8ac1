from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    name = "merchants"
    verbose_name = _("Merchants")

    def ready(self):
        from common.services import outbox
        from merchants import handlers

        outbox.subscribe("card.opened", "merchants.give_for_joining", handlers.give_for_joining)
        outbox.subscribe("order.completed", "merchants.give_for_order", handlers.give_for_order)
        outbox.subscribe("order.refunded", "merchants.take_back_for_refund", handlers.take_back_for_refund)
        outbox.subscribe("merchant_campaign.short", "merchants.look_into_campaign", handlers.look_into_campaign)
