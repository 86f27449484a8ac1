"""What this floor does when something happened below or here."""

from __future__ import annotations

import datetime as dt

from merchants.services import campaign_joins, campaign_orders, campaigns


def give_for_joining(payload: dict, at: dt.datetime) -> None:
    """Campaigns for who opens a card; who came back has had her welcome."""
    if not payload["returned"]:
        campaign_joins.give(payload["club"], payload["key"], at)


def give_for_order(payload: dict, at: dt.datetime) -> None:
    """Campaigns for orders."""
    campaign_orders.give(payload["order"], at)


def take_back_for_refund(payload: dict, at: dt.datetime) -> None:
    """What campaigns gave for an order, as far as it is no longer due."""
    campaign_orders.take_back(payload["order"], at)


def look_into_campaign(payload: dict, at: dt.datetime) -> None:
    """A campaign had too little for a gift: perhaps it is used up."""
    campaigns.close_if_empty(payload["campaign"], at)
