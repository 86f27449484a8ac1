"""The Celery app and the one schedule: everything that runs by itself stands here (docs/operations.md)."""

import os

from celery import Celery
from celery.schedules import crontab

from config import safefs  # noqa: F401  registers the embedded broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("loyalty")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Hours are on the programme's wall clock. Nightly work starts after midnight, because points expire at the end of a day;
# the proof comes last, when the night's work is done. A missed run is caught up by the next one.
app.conf.beat_schedule = {
    "drain the outbox": {"task": "common.tasks.drain_outbox", "schedule": 5, "options": {"expires": 5}},
    "let due holds lapse": {"task": "loyalty.tasks.lapse_holds", "schedule": 60, "options": {"expires": 60}},
    "draw lotteries": {"task": "rewards.tasks.draw_lotteries", "schedule": 60, "options": {"expires": 60}},
    "change seeds of games": {"task": "rewards.tasks.change_seeds", "schedule": crontab(hour=0, minute=2)},
    "make pending points available": {"task": "loyalty.tasks.mature_lots", "schedule": crontab(minute=3)},
    "expire points": {"task": "loyalty.tasks.expire_points", "schedule": crontab(hour=0, minute=5)},
    "expire rewards": {"task": "rewards.tasks.expire_redemptions", "schedule": crontab(hour=0, minute=15)},
    "rate conduct": {"task": "loyalty.tasks.rate_conduct", "schedule": crontab(hour=0, minute=25)},
    "rate members": {"task": "loyalty.tasks.rate_members", "schedule": crontab(hour=0, minute=30)},
    "review tiers": {"task": "loyalty.tasks.review_tiers", "schedule": crontab(hour=0, minute=35)},
    "pay shopping days": {"task": "loyalty.tasks.pay_shopping_days", "schedule": crontab(hour=0, minute=55)},
    "count likes": {"task": "loyalty.tasks.count_likes", "schedule": crontab(hour=1, minute=5)},
    "remind of expiry": {"task": "loyalty.tasks.remind_of_expiry", "schedule": crontab(hour=2, minute=5)},
    "award medals": {"task": "loyalty.tasks.award_medals", "schedule": crontab(hour=2, minute=35)},
    "count the pyramid": {"task": "loyalty.tasks.count_pyramid", "schedule": crontab(hour=2, minute=50)},
    "warn of downgrades": {"task": "loyalty.tasks.warn_of_downgrades", "schedule": crontab(hour=2, minute=15)},
    "measure members": {"task": "loyalty.tasks.measure_members", "schedule": crontab(hour=1, minute=35)},
    "score members": {"task": "loyalty.tasks.score_members", "schedule": crontab(hour=1, minute=50)},
    "settle scores": {"task": "loyalty.tasks.settle_scores", "schedule": crontab(hour=2, minute=20)},
    "tell of renewals": {"task": "members.tasks.tell_of_renewals", "schedule": crontab(hour=3, minute=20)},
    "forget old counters of risk": {"task": "members.tasks.trim_risk", "schedule": crontab(hour=3, minute=10)},
    "erase members": {"task": "members.tasks.erase_members", "schedule": crontab(hour=3, minute=25)},
    "let unpaid plans lapse": {"task": "members.tasks.lapse_purchases", "schedule": crontab(minute="*/10")},
    "watch purses": {"task": "merchants.tasks.watch_purses", "schedule": crontab(minute="*/5")},
    "settle the month": {"task": "merchants.tasks.settle_month", "schedule": crontab(hour=3, minute=20)},
    "purge old records": {"task": "common.tasks.purge_old_records", "schedule": crontab(hour=3, minute=5)},
    "refresh segments": {"task": "loyalty.tasks.refresh_segments", "schedule": crontab(hour=3, minute=35)},
    "give gifts": {"task": "loyalty.tasks.give_gifts", "schedule": 60, "options": {"expires": 60}},
    "undo campaigns": {"task": "loyalty.tasks.undo_campaigns", "schedule": 60, "options": {"expires": 60}},
    "give gifts of the night": {"task": "loyalty.tasks.give_gifts_tonight", "schedule": crontab(hour=3, minute=50)},
    "give merchants' campaigns": {"task": "merchants.tasks.give_campaigns", "schedule": 60, "options": {"expires": 60}},
    "deliver merchants' messages": {
        "task": "merchants.tasks.deliver_messages",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "give birthday points of merchants": {
        "task": "merchants.tasks.give_birthdays",
        "schedule": crontab(hour=0, minute=45),
    },
    "close memberships of merchants": {"task": "merchants.tasks.close_clubs", "schedule": crontab(hour=0, minute=12)},
    "change levels of cards": {"task": "merchants.tasks.relevel_cards", "schedule": crontab(hour=0, minute=20)},
    "end merchants' campaigns": {"task": "merchants.tasks.end_campaigns", "schedule": crontab(minute=7)},
    "settle rebates": {"task": "merchants.tasks.settle_rebates", "schedule": crontab(hour=2, minute=55)},
    "count prospects": {"task": "merchants.tasks.count_category_buyers", "schedule": crontab(hour=3, minute=15)},
    "give birthday packs": {"task": "rewards.tasks.issue_birthday_packs", "schedule": crontab(hour=3, minute=45)},
    "hand out packs": {"task": "rewards.tasks.hand_out_packs", "schedule": crontab(hour=3, minute=50)},
    "hand out prizes": {"task": "rewards.tasks.hand_out_prizes", "schedule": crontab(hour=3, minute=52)},
    "recover instant refunds": {
        "task": "rewards.tasks.recover_instant_refunds",
        "schedule": crontab(hour=3, minute=55),
    },
    "prove the ledger": {"task": "loyalty.tasks.prove", "schedule": crontab(hour=4, minute=5)},
}
