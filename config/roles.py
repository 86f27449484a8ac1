"""Who may do what, by role. `manage.py sync_roles` puts this into the database; change it here, not there.

Nobody may add, change or delete a row of the ledger: no page offers it, whatever a role says.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

# Permissions that Django does not make by itself: deeds that are more than saving a form.
DEEDS = {
    "loyalty.activate_earningruleversion": _("Can put a rule version in force"),
    "loyalty.activate_campaign": _("Can start and stop a campaign"),
    "loyalty.start_giftcampaign": _("Can start and stop a gift campaign"),
    "loyalty.propose_campaignundo": _("Can propose to undo a campaign"),
    "loyalty.approve_campaignundo": _("Can approve the undoing of a campaign"),
    "loyalty.publish_ladder": _("Can put a ladder in force"),
    "loyalty.publish_growthpolicy": _("Can put a growth policy in force"),
    "loyalty.publish_coefficientpolicy": _("Can put a coefficient policy in force"),
    "loyalty.publish_scorepolicy": _("Can put a score policy in force"),
    "loyalty.publish_lifecyclepolicy": _("Can put a life-cycle policy in force"),
    "loyalty.open_quarantine": _("Can set points aside for a case"),
    "loyalty.decide_quarantine": _("Can release quarantined points or take them back"),
    "loyalty.decide_conductcase": _("Can decide whether a member's growth coefficient falls to nothing"),
    "members.activate_riskruleversion": _("Can put risk rules in force and end them"),
    "members.lift_risklisting": _("Can lift entries of the deny-list and allow-list"),
    "members.file_riskappeal": _("Can contest a refusal for a member"),
    "members.decide_riskappeal": _("Can decide what members contest"),
    "members.export_member": _("Can export all data of a member"),
    "members.close_member": _("Can close members' accounts and have their data erased"),
    "members.merge_member": _("Can merge members and undo it"),
    "members.activate_planoffer": _("Can put offers of plans on sale and retire them"),
    "members.release_voucherbatch": _("Can release and void codes for plans"),
    "members.refund_planpurchase": _("Can pay plans back"),
    "merchants.approve_pointpurchase": _("Can approve the payment of points that merchants buy, and pay back"),
    "merchants.close_purse": _("Can close a merchant's purse"),
    "merchants.close_settlement": _("Can compute and close a month's settlement"),
    "merchants.decide_brandmember": _("Can decide which member a card of a brand belongs to"),
    "members.import_creditscore": _("Can import credit scores from a file"),
    "merchants.stop_merchantcampaign": _("Can stop a merchant's campaign"),
    "loyalty.override_conductrating": _("Can set a member's conduct by hand"),
    "loyalty.override_standing": _("Can set a member's tier by hand"),
    "loyalty.approve_standing": _("Can approve tier reviews"),
    "loyalty.post_adjustment": _("Can adjust points without limit"),
    "loyalty.post_small_adjustment": _("Can adjust points up to the limit for support"),
    "rewards.activate_benefitgrant": _("Can put grants of benefits in force and end them"),
    "rewards.give_membergrant": _("Can give single members a benefit"),
    "rewards.settle_instantrefund": _("Can say that the goods of an instant refund are here"),
    "rewards.activate_reward": _("Can activate and retire a reward"),
    "rewards.fulfil_redemption": _("Can pack, send and hand out rewards"),
    "rewards.cancel_redemption": _("Can cancel redemptions and take rewards back"),
    "rewards.import_code": _("Can import partners' codes from a file"),
    "rewards.unassign_code": _("Can put a code back into its pool"),
    "rewards.withdraw_rightclaim": _("Can take a partner's right back that was claimed with a plan"),
    "rewards.settle_partner": _("Can settle with partners"),
    "rewards.record_sponsorpayment": _("Can record payments of sponsors and withdraw them"),
    "rewards.activate_game": _("Can activate a game"),
    "rewards.deliver_prizeclaim": _("Can send prizes that were won"),
    "common.replay_delivery": _("Can send a delivery again"),
    "common.run_jobrun": _("Can run a job again"),
    "common.revoke_apikey": _("Can revoke an API key"),
}

_PLANS = [
    "members.planoffer",
    "members.plandiscount",
    "members.saleschannel",
    "members.voucherbatch",
    "rewards.planright",
]
_MEMBERS = [
    "members.planpurchase",
    "members.autorenewal",
    "rewards.rightclaim",
    "members.member",
    "members.subscription",
    "members.creditscore",
    "members.plan",
    "members.consent",
]
# What operations writes and risk puts in force, and what came of it.
_RISK_RULES = ["members.riskrule", "members.riskruleversion"]
_RISK_MET = ["members.riskrefusal", "members.riskappeal", "members.risklisting", "loyalty.conductrating"]
_CARDS = [
    "merchants.card",
    "merchants.cardentry",
    "merchants.cardevent",
    "merchants.unknownstore",
    "merchants.brandmember",
]
_LEDGER = [
    f"loyalty.{name}"
    for name in (
        "account", "wallet", "entry", "lot", "draw", "hold", "holdline", "adjustment", "transfer", "refund", "refundline",
        "shortfall", "order", "orderline", "parkedevent", "review", "reviewlike", "activity", "deliveryrefusal",
        "standing", "tierchange", "growthentry", "coefficient", "conductcase", "excusedline", "breach", "medalstanding",
        "medalaward", "quarantine", "giftassignment", "campaignundo", "undonelot", "memberstats", "score", "scoresnapshot",
        "scorerestatement",
    )
]  # fmt: skip
_STANDING_RULES = [
    "loyalty.ladder",
    "loyalty.rung",
    "loyalty.growthpolicy",
    "loyalty.coefficientpolicy",
    "loyalty.coefficientband",
    "loyalty.lifecyclepolicy",
    "loyalty.scorepolicy",
    "loyalty.scoredimension",
    "loyalty.scoresource",
    "loyalty.curvepoint",
    "loyalty.scorethreshold",
]
_MEDALS = ["loyalty.medal", "loyalty.medallevel", "loyalty.medalcategory"]
_BENEFITS = ["rewards.benefit", "rewards.bundle", "rewards.bundleitem", "rewards.packitem", "rewards.benefitgrant"]
_BENEFIT_USES = [
    "rewards.benefituse",
    "rewards.membergrant",
    "rewards.birthdaypack",
    "rewards.packgift",
    "rewards.instantrefund",
]
_REWARDS = ["rewards.reward", "rewards.rewardprice", "rewards.partner"]
_TAKEN = ["rewards.redemption", "rewards.redemptionevent"]
_CODES = ["rewards.code", "rewards.settlement", "rewards.sponsorpayment"]
_GAMES = ["rewards.game", "rewards.gameversion", "rewards.prize"]
_REACH = ["merchants.merchantcampaign", "merchants.campaigngrant", "merchants.message"]
_PLAYS = ["rewards.play", "rewards.prizeclaim", "rewards.seedperiod"]
_CONFIGURATION = [
    "loyalty.programme",
    "loyalty.earningrule",
    "loyalty.earningruleversion",
    "loyalty.rulecondition",
    "loyalty.campaign",
    "loyalty.giftcampaign",
    "loyalty.giftamount",
    "loyalty.customeventtype",
    "loyalty.segment",
    "loyalty.segmentcondition",
    "loyalty.tier",
    *_STANDING_RULES,
    *_MEDALS,
    *_BENEFITS,
    *_REWARDS,
    *_GAMES,
    "members.plan",
    *_PLANS,
    "merchants.merchant",
    "merchants.brand",
    "merchants.store",
    "merchants.staffrole",
    "merchants.club",
    "merchants.levelscheme",
    "merchants.level",
    "merchants.pointpack",
    "merchants.pointtariff",
]
# What merchants set and see on their own site; operators look at it.
_MERCHANTS_OWN = [
    "merchants.memberprice",
    "merchants.priceladder",
    "merchants.pricestep",
    "merchants.rebatescheme",
    "merchants.rebatestep",
    "merchants.rebate",
    "merchants.insightaccess",
]
_TRAFFIC = ["common.inboxevent", "common.rejectedevent", "common.fact", "common.delivery", "common.deliveryattempt"]
_PURSES = [
    "merchants.purse",
    "merchants.pointpurchase",
    "merchants.purchasestep",
    "merchants.settlement",
    "merchants.settlementcell",
]
_HOUSE = ["common.jobrun", "common.auditentry", "loyalty.proof", "loyalty.pyramidday"]


def _may(verb: str, models: list[str]) -> set[str]:
    return {f"{label.split('.')[0]}.{verb}_{label.split('.')[1]}" for label in models}


_LOOK = _may(
    "view",
    [
        *_MEMBERS, *_CARDS, *_LEDGER, *_PLAYS, *_TAKEN, *_CODES, *_REACH, *_BENEFIT_USES, *_CONFIGURATION,
        "rewards.benefitbudget", *_RISK_RULES, *_RISK_MET,
        *_MERCHANTS_OWN, *_PURSES, *_HOUSE,
    ],
)  # fmt: skip

ROLES: dict[str, set[str]] = {
    # Writes the programme: rules, campaigns, tiers; never puts in force what pays out.
    "operations": _LOOK
    | _may("view", [*_TRAFFIC, "common.webhookendpoint", "common.apikey"])
    | _may("add", [*_CONFIGURATION, "common.webhookendpoint", "common.apikey"])
    | _may("change", [*_CONFIGURATION, "common.webhookendpoint"])
    | _may("delete", _STANDING_RULES)
    | _may("delete", ["loyalty.medallevel", "loyalty.medalcategory"])
    | _may("delete", _PLANS)
    | _may("add", _RISK_RULES)
    | _may("change", _RISK_RULES)
    | _may("delete", ["members.riskruleversion"])
    | _may("delete", ["rewards.bundle", "rewards.bundleitem", "rewards.packitem", "rewards.benefitgrant"])
    | {
        "members.import_creditscore",
        "merchants.decide_brandmember",
        "merchants.delete_level",
        "rewards.give_membergrant",
        "rewards.settle_instantrefund",
        "merchants.stop_merchantcampaign",
        "rewards.fulfil_redemption",
        "rewards.cancel_redemption",
        "rewards.import_code",
        "rewards.delete_rewardprice",
        "rewards.deliver_prizeclaim",
        "rewards.delete_gameversion",
        "rewards.delete_prize",
        "loyalty.delete_rulecondition",
        "loyalty.delete_segmentcondition",
        "loyalty.delete_giftamount",
        "loyalty.propose_campaignundo",
        "common.revoke_apikey",
        "common.replay_delivery",
        "common.run_jobrun",
    },
    # Puts in force what pays out, and adjusts without limit.
    "finance": _LOOK
    | _may("add", ["rewards.benefitbudget"])
    | _may("change", ["rewards.benefitbudget"])
    | {
        "members.activate_planoffer",
        "members.release_voucherbatch",
        "members.refund_planpurchase",
        "rewards.activate_benefitgrant",
        "loyalty.activate_earningruleversion",
        "loyalty.activate_campaign",
        "loyalty.start_giftcampaign",
        "loyalty.propose_campaignundo",
        "loyalty.approve_campaignundo",
        "rewards.activate_reward",
        "rewards.unassign_code",
        "rewards.withdraw_rightclaim",
        "rewards.settle_partner",
        "rewards.record_sponsorpayment",
        "rewards.activate_game",
        "merchants.stop_merchantcampaign",
        "loyalty.publish_ladder",
        "loyalty.publish_growthpolicy",
        "loyalty.publish_coefficientpolicy",
        "loyalty.publish_lifecyclepolicy",
        "loyalty.publish_scorepolicy",
        "members.decide_riskappeal",
        "loyalty.decide_quarantine",
        "loyalty.override_standing",
        "loyalty.approve_standing",
        "loyalty.post_adjustment",
        "merchants.approve_pointpurchase",
        "merchants.change_purse",
        "merchants.close_purse",
        "merchants.close_settlement",
        "common.run_jobrun",
    },
    # Looks at what was refused, capped or tried; writes risk rules and puts others' in force; keeps the lists; decides
    # about conduct and what members contest.
    "risk": _LOOK
    | _may("add", [*_RISK_RULES, "members.risklisting"])
    | _may("change", _RISK_RULES)
    | _may("delete", ["members.riskruleversion"])
    | _may("view", [*_TRAFFIC, "axes.accessattempt", "common.staff"])
    | {
        "loyalty.override_conductrating",
        "members.activate_riskruleversion",
        "members.lift_risklisting",
        "members.file_riskappeal",
        "members.decide_riskappeal",
        "loyalty.decide_conductcase",
        "loyalty.open_quarantine",
        "loyalty.decide_quarantine",
    },
    # Answers members: looks, and gives small amounts with a reason.
    "support": _may(
        "view",
        [
            *_MEMBERS,
            *_CARDS,
            *_LEDGER,
            *_PLAYS,
            *_REACH,
            *_BENEFIT_USES,
            *_RISK_MET,
            "members.riskruleversion",
            "loyalty.earningruleversion",
            "loyalty.earningrule",
            "loyalty.campaign",
            "loyalty.giftcampaign",
            "loyalty.giftamount",
            "rewards.benefit",
            *_TAKEN,
            "rewards.reward",
        ],
    )
    | {
        "loyalty.post_small_adjustment",
        "members.file_riskappeal",
        "rewards.give_membergrant",
        "rewards.settle_instantrefund",
        "rewards.deliver_prizeclaim",
        "rewards.fulfil_redemption",
        "rewards.cancel_redemption",
    },
    # Answers what members ask of their data: sees who looked, exports.
    "privacy": _LOOK
    | _may("view", [*_TRAFFIC, "common.look", "common.staff"])
    | {"members.export_member", "members.close_member", "members.merge_member"},
    # The staff of merchants: what they may see is decided row by row on their own site.
    "merchant": set(),
}
