"""Which nightly jobs of this floor an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _

from common.admin import jobs
from loyalty.services import (
    conduct,
    conduct_ratings,
    expiring,
    lapsing,
    likes,
    maturing,
    medals,
    member_stats,
    proof,
    pyramid,
    reminders,
    score_settlements,
    scores,
    segments,
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
