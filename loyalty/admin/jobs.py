"""Which nightly jobs of this floor an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from common.admin import jobs
from loyalty.services import (
    campaign_undos,
    conduct,
    conduct_ratings,
    downgrades,
    expiring,
    gift_sends,
    lapsing,
    likes,
    maturing,
    medals,
    member_stats,
    proof,
    pyramid,
    ranking,
    reminders,
    score_settlements,
    scores,
    segments,
    shoppingdays,
    tiers,
)

jobs.register(expiring.JOB, _("Expiry of points"), expiring.expire)
jobs.register(maturing.JOB, _("Pending points become available"), maturing.mature)
jobs.register(lapsing.JOB, _("Open checkouts lapse"), lapsing.lapse)
jobs.register(reminders.JOB, _("Reminders of expiry"), reminders.remind)
jobs.register(likes.JOB, _("Likes of reviews are counted"), likes.count)
jobs.register(scores.JOB, _("Value scores are counted"), scores.count)
jobs.register(scores.JOB_ANEW, _("Value scores are counted from nothing"), scores.count_anew)
jobs.register(score_settlements.JOB, _("Value scores are settled"), score_settlements.settle)
jobs.register(proof.JOB, _("Proof of the ledger"), proof.prove)
jobs.register(conduct.JOB, _("Growth coefficients are rated"), conduct.rate)
jobs.register(conduct_ratings.JOB, _("Members' conduct is rated"), conduct_ratings.rate)
jobs.register(medals.SCORES, _("Medal scores are counted"), medals.award)
jobs.register(medals.JOB, _("Medals are awarded"), medals.award)
jobs.register(pyramid.JOB, _("The pyramid is counted"), pyramid.count)
jobs.register(member_stats.MEASURE, _("Members are measured"), member_stats.measure)
jobs.register(member_stats.GRADE, _("Members are graded by RFM"), member_stats.grade)
jobs.register(segments.JOB, _("Segments are refreshed"), segments.refresh_all)
jobs.register(campaign_undos.JOB, _("A campaign is undone"))
jobs.register(downgrades.JOB, _("Members are warned of a downgrade"))
jobs.register(gift_sends.JOB, _("A gift campaign gives"))
jobs.register(ranking.JOB, _("Tiers are cut by rank"))
jobs.register(shoppingdays.JOB, _("Shopping days are paid"))
jobs.register(tiers.JOB, _("Tiers are reviewed"))
jobs.register("demo", _("The demo's orders are played"))
jobs.register("replay", _("Recorded orders are played"))

COUNTED = [
    gettext_noop("accounts"), gettext_noop("applied"), gettext_noop("awarded"), gettext_noop("bonuses"),
    gettext_noop("changed"), gettext_noop("crossed"), gettext_noop("entered"), gettext_noop("events"),
    gettext_noop("held out"), gettext_noop("ignored"), gettext_noop("lapsed"), gettext_noop("left"),
    gettext_noop("life cycles changed"), gettext_noop("lost"), gettext_noop("lots"), gettext_noop("members"),
    gettext_noop("night"), gettext_noop("offenders"), gettext_noop("points"), gettext_noop("proofs"),
    gettext_noop("rated"), gettext_noop("red"), gettext_noop("reminders"), gettext_noop("removed"),
    gettext_noop("reviews"), gettext_noop("scores"), gettext_noop("treated"), gettext_noop("unreadable"),
    gettext_noop("warnings"),
]  # fmt: skip
"""What runs say that they did: a run's row keeps the English word, its page translates it."""
