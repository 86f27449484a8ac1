"""Looks and sidebars of the two admin sites (django-unfold). Words are lazy, addresses are looked up at each request."""

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


def _may(permission):
    return lambda request: request.user.has_perm(permission)


def _list(title, icon, app, model, query=""):
    """A sidebar line that leads to a model's list, for those who may look at it."""
    link = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {
        "title": title,
        "icon": icon,
        "link": (lambda request: f"{link}{query}") if query else link,
        "permission": _may(f"{app}.view_{model}"),
    }


def _page(title, icon, name, permission):
    """A sidebar line that leads to a page of its own."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}"), "permission": _may(permission)}


def _own(title, icon, model, app="merchants"):
    """A line of the merchants' sidebar that leads to a model's list, for those to whom the page itself opens."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"merchant:{app}_{model}_changelist"),
        "permission": lambda request: import_string("merchants.admin.site.site").opens(request, app, model),
    }


def _stylesheet(request):
    return static("admin_site/loyalty.css")


def _charts(request):
    return static("admin_site/loyalty.js")


def _favicon(request):
    return static("admin_site/favicon.svg")


_COMMON = {
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "SHOW_LANGUAGES": True,
    "LANGUAGE_FLAGS": {"en": "EN", "zh-hans": "中"},
}

# Tailwind's blue for operators, its teal for merchants: nobody mistakes one site for the other.
_BLUE = {
    "50": "#eff6ff", "100": "#dbeafe", "200": "#bfdbfe", "300": "#93c5fd", "400": "#60a5fa", "500": "#3b82f6",
    "600": "#2563eb", "700": "#1d4ed8", "800": "#1e40af", "900": "#1e3a8a", "950": "#172554",
}  # fmt: skip
_TEAL = {
    "50": "#f0fdfa", "100": "#ccfbf1", "200": "#99f6e4", "300": "#5eead4", "400": "#2dd4bf", "500": "#14b8a6",
    "600": "#0d9488", "700": "#0f766e", "800": "#115e59", "900": "#134e4a", "950": "#042f2e",
}  # fmt: skip

UNFOLD = {
    "SITE_TITLE": _("Loyalty"),
    "SITE_HEADER": _("Loyalty"),
    "SITE_SUBHEADER": _("Operators"),
    "SITE_SYMBOL": "loyalty",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {"primary": _BLUE},
    "STYLES": [_stylesheet],
    "SCRIPTS": [_charts],
    "DASHBOARD_CALLBACK": "loyalty.admin.dashboard.fill",
    "COMMAND": {"search_models": ["members.Member", "loyalty.Order", "loyalty.EarningRule", "loyalty.Campaign"]},
    **_COMMON,
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": None,
                "items": [
                    {"title": _("Overview"), "icon": "dashboard", "link": reverse_lazy("admin:index")},
                    _list(_("Members"), "group", "members", "member"),
                    _list(_("Orders"), "shopping_bag", "loyalty", "order"),
                    _list(_("Reviews"), "reviews", "loyalty", "review"),
                ],
            },
            {
                "title": _("Programme"),
                "separator": True,
                "items": [
                    _list(_("Settings"), "tune", "loyalty", "programme"),
                    _list(_("Earning rules"), "rule", "loyalty", "earningrule"),
                    _list(_("Rule versions"), "history_edu", "loyalty", "earningruleversion"),
                    _list(_("Campaigns"), "campaign", "loyalty", "campaign"),
                    _list(_("Event types"), "category", "loyalty", "customeventtype"),
                ],
            },
            {
                "title": _("Gift campaigns"),
                "separator": True,
                "items": [
                    _list(_("Gift campaigns"), "featured_seasonal_and_gifts", "loyalty", "giftcampaign"),
                    _list(_("Treated and held out"), "group_work", "loyalty", "giftassignment"),
                    _list(_("Undone campaigns"), "undo", "loyalty", "campaignundo"),
                    _list(_("Undone grants"), "playlist_remove", "loyalty", "undonelot"),
                ],
            },
            {
                "title": _("Paid plans"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(pgettext_lazy("paid", "Plans"), "workspace_premium", "members", "plan"),
                    _list(pgettext_lazy("plan", "Offers"), "sell", "members", "planoffer"),
                    _list(pgettext_lazy("plan", "Purchases"), "receipt", "members", "planpurchase"),
                    _list(_("Terms"), "card_membership", "members", "subscription"),
                    _list(_("Automatic renewals"), "autorenew", "members", "autorenewal"),
                    _list(_("Partners' rights claimed"), "movie", "rewards", "rightclaim"),
                    _list(_("Sales channels"), "hub", "members", "saleschannel"),
                    _list(_("Codes in bulk"), "qr_code_2", "members", "voucherbatch"),
                ],
            },
            {
                "title": _("Risk"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _page(_("Overview of risk"), "monitoring", "members_riskrefusal_board", "members.view_riskrefusal"),
                    _list(_("Risk rules"), "shield", "members", "riskrule"),
                    _list(_("Versions of risk rules"), "history_edu", "members", "riskruleversion"),
                    _list(_("Refusals"), "block", "members", "riskrefusal"),
                    _list(_("Deny-list and allow-list"), "playlist_remove", "members", "risklisting"),
                    _list(_("Appeals"), "contact_support", "members", "riskappeal"),
                    _list(_("Conduct ratings"), "psychology_alt", "loyalty", "conductrating"),
                    _list(_("Quarantine"), "health_and_safety", "loyalty", "quarantine"),
                ],
            },
            {
                "title": _("Standing"),
                "separator": True,
                "items": [
                    _list(_("Pyramid"), "change_history", "loyalty", "pyramidday"),
                    _list(_("Standings"), "leaderboard", "loyalty", "standing"),
                    _list(_("Ladders"), "stairs", "loyalty", "ladder"),
                    _list(_("Growth policies"), "trending_up", "loyalty", "growthpolicy"),
                    _list(_("Coefficient policies"), "balance", "loyalty", "coefficientpolicy"),
                    _list(_("Conduct cases"), "gavel", "loyalty", "conductcase"),
                    _list(_("Broken promises"), "heart_broken", "loyalty", "breach"),
                    _list(_("Coefficients"), "percent", "loyalty", "coefficient"),
                    _list(_("Tiers"), "military_tech", "loyalty", "tier"),
                    _list(_("Tier changes"), "swap_vert", "loyalty", "tierchange"),
                    _list(_("Growth entries"), "timeline", "loyalty", "growthentry"),
                    _list(_("Value scores"), "speed", "loyalty", "score"),
                    _list(_("Score policies"), "tune", "loyalty", "scorepolicy"),
                    _list(_("Score thresholds"), "flag", "loyalty", "scorethreshold"),
                    _list(_("Settled scores"), "event_available", "loyalty", "scoresnapshot"),
                    _list(_("Late news of scores"), "update", "loyalty", "scorerestatement"),
                    _list(_("Medals"), "workspace_premium", "loyalty", "medal"),
                    _list(_("Medal holders"), "groups_3", "loyalty", "medalstanding"),
                    _list(_("Medals won and lost"), "swap_vert", "loyalty", "medalaward"),
                ],
            },
            {
                "title": _("Customers"),
                "separator": True,
                "items": [
                    _page(_("Life cycle"), "cycle", "loyalty_memberstats_lifecycle", "loyalty.view_memberstats"),
                    _page(_("RFM"), "grid_on", "loyalty_memberstats_rfm", "loyalty.view_memberstats"),
                    _list(_("Segments"), "groups", "loyalty", "segment"),
                    _list(_("Members in figures"), "query_stats", "loyalty", "memberstats"),
                    _list(_("Life-cycle policies"), "rule_settings", "loyalty", "lifecyclepolicy"),
                ],
            },
            {
                "title": _("Merchants"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Merchants"), "storefront", "merchants", "merchant"),
                    _list(_("Brands"), "sell", "merchants", "brand"),
                    _list(_("Stores"), "store", "merchants", "store"),
                    _list(_("Unknown stores"), "help_center", "merchants", "unknownstore"),
                    _list(_("Memberships"), "loyalty", "merchants", "club"),
                    _list(_("Levels of cards"), "stairs", "merchants", "levelscheme"),
                    _list(_("Cards"), "id_card", "merchants", "card"),
                    _list(_("Members of brands"), "handshake", "merchants", "brandmember"),
                    _list(_("Merchants' staff"), "supervisor_account", "merchants", "staffrole"),
                    _list(_("Campaigns"), "campaign", "merchants", "merchantcampaign"),
                    _list(_("Gifts"), "featured_seasonal_and_gifts", "merchants", "campaigngrant"),
                    _list(_("Messages"), "forum", "merchants", "message"),
                    _list(_("Member prices"), "sell", "merchants", "memberprice"),
                    _list(_("Price ladders"), "stairs", "merchants", "priceladder"),
                    _list(_("Rebate schemes"), "percent", "merchants", "rebatescheme"),
                    _list(_("Rebates"), "currency_exchange", "merchants", "rebate"),
                    _list(_("Looks at members"), "visibility", "merchants", "insightaccess"),
                    _list(_("Purses"), "account_balance_wallet", "merchants", "purse"),
                    _list(_("Purchases of points"), "shopping_cart", "merchants", "pointpurchase"),
                    _list(_("Packs of points"), "inventory_2", "merchants", "pointpack"),
                    _list(_("Tariff for points"), "sell", "merchants", "pointtariff"),
                    _list(_("Month settlements"), "balance", "merchants", "settlement"),
                ],
            },
            {
                "title": _("Rewards"),
                "separator": True,
                "items": [
                    _list(_("Rewards"), "redeem", "rewards", "reward"),
                    _list(_("Redemptions"), "shopping_cart_checkout", "rewards", "redemption"),
                    _list(_("Codes"), "confirmation_number", "rewards", "code"),
                    _list(_("Reward partners"), "handshake", "rewards", "partner"),
                    _list(_("Partner settlements"), "payments", "rewards", "settlement"),
                    _page(_("Sponsors"), "handshake", "rewards_reward_sponsors", "rewards.view_reward"),
                    _list(_("Sponsors' payments"), "payments", "rewards", "sponsorpayment"),
                ],
            },
            {
                "title": _("Benefits"),
                "separator": True,
                "items": [
                    _page(_("Who gets what"), "grid_on", "rewards_benefit_matrix", "rewards.view_benefit"),
                    _list(_("Benefits"), "volunteer_activism", "rewards", "benefit"),
                    _list(_("Grants of benefits"), "handshake", "rewards", "benefitgrant"),
                    _list(_("Bundles"), "package", "rewards", "bundle"),
                    _list(_("Budgets"), "savings", "rewards", "benefitbudget"),
                    _list(_("Uses"), "task_alt", "rewards", "benefituse"),
                    _page(
                        _("Settlement of benefits"),
                        "currency_exchange",
                        "rewards_benefituse_settlement",
                        "rewards.view_benefituse",
                    ),
                    _list(_("Given to members"), "volunteer_activism", "rewards", "membergrant"),
                    _list(_("Birthday packs"), "cake", "rewards", "birthdaypack"),
                    _list(_("Gifts of packs"), "redeem", "rewards", "packgift"),
                    _list(_("Instant refunds"), "bolt", "rewards", "instantrefund"),
                ],
            },
            {
                "title": _("Games"),
                "separator": True,
                "items": [
                    _list(_("Games"), "casino", "rewards", "game"),
                    _list(_("Versions and odds"), "history_edu", "rewards", "gameversion"),
                    _list(_("Plays"), "playing_cards", "rewards", "play"),
                    _list(_("Prizes to deliver"), "redeem", "rewards", "prizeclaim"),
                    _list(_("Seeds"), "key", "rewards", "seedperiod"),
                ],
            },
            {
                "title": _("Ledger"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Accounts"), "account_balance_wallet", "loyalty", "account"),
                    _list(_("Entries"), "receipt_long", "loyalty", "entry"),
                    _list(_("Lots"), "inventory_2", "loyalty", "lot"),
                    _list(_("Holds"), "lock_clock", "loyalty", "hold"),
                    _list(_("Adjustments"), "edit_note", "loyalty", "adjustment"),
                    _list(_("Transfers"), "swap_horiz", "loyalty", "transfer"),
                    _list(_("Refunds"), "assignment_return", "loyalty", "refund"),
                    _list(_("Capped or refused"), "block", "loyalty", "shortfall"),
                    _list(_("Activities"), "today", "loyalty", "activity"),
                    _list(_("Refused deliveries"), "local_shipping", "loyalty", "deliveryrefusal"),
                    _list(_("Credit scores"), "speed", "members", "creditscore"),
                    _list(_("Consents"), "how_to_reg", "members", "consent"),
                ],
            },
            {
                "title": _("In and out"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Events"), "input", "common", "inboxevent"),
                    _list(_("Rejected events"), "report", "common", "rejectedevent"),
                    _list(_("Parked events"), "pending_actions", "loyalty", "parkedevent"),
                    _list(_("Facts"), "output", "common", "fact"),
                    _list(_("Deliveries"), "outbox", "common", "delivery"),
                    _list(_("Dead letters"), "mark_email_unread", "common", "delivery", "?status__exact=dead"),
                    _list(_("Webhook endpoints"), "webhook", "common", "webhookendpoint"),
                    _list(_("API keys"), "key", "common", "apikey"),
                ],
            },
            {
                "title": _("House"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Proof"), "verified", "loyalty", "proof"),
                    _list(_("Job runs"), "schedule", "common", "jobrun"),
                    _list(_("Audit log"), "policy", "common", "auditentry"),
                    _list(_("Access log"), "visibility", "common", "look"),
                    _list(_("Staff"), "badge", "common", "staff"),
                    _list(_("Roles"), "admin_panel_settings", "auth", "group"),
                    _list(_("Failed sign-ins"), "gpp_maybe", "axes", "accessattempt"),
                ],
            },
        ],
    },
}

UNFOLD_MERCHANT = {
    "SITE_TITLE": _("Merchants"),
    "SITE_HEADER": _("Merchants"),
    "SITE_SUBHEADER": _("Your stores and members"),
    "SITE_SYMBOL": "storefront",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": _TEAL},
    "STYLES": [_stylesheet],
    "SCRIPTS": [_charts],
    "SHOW_HISTORY": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "merchants.admin.dashboard.fill",
    **_COMMON,
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": None,
                "items": [{"title": _("Overview"), "icon": "dashboard", "link": reverse_lazy("merchant:index")}],
            },
            {
                "title": _("Members"),
                "separator": True,
                "items": [
                    _own(_("Members"), "groups", "card"),
                    _own(_("Memberships"), "loyalty", "club"),
                    _own(_("Levels"), "stairs", "levelscheme"),
                    _own(_("Members of the brand"), "handshake", "brandmember"),
                    _own(_("Segments"), "filter_alt", "cardsegment"),
                    _own(_("Messages"), "forum", "message"),
                ],
            },
            {
                "title": _("Points"),
                "separator": True,
                "items": [
                    _own(_("Purse"), "account_balance_wallet", "purse"),
                    _own(_("Purchases"), "shopping_cart", "pointpurchase"),
                    _own(_("Campaigns"), "campaign", "merchantcampaign"),
                    _own(_("Gifts"), "featured_seasonal_and_gifts", "campaigngrant"),
                    _own(_("Sponsoring"), "handshake", "reward", app="rewards"),
                ],
            },
            {
                "title": _("Prices"),
                "separator": True,
                "items": [
                    _own(_("Member prices"), "sell", "memberprice"),
                    _own(_("Price ladders"), "stairs", "priceladder"),
                    _own(_("Rebate schemes"), "percent", "rebatescheme"),
                    _own(_("Rebates"), "currency_exchange", "rebate"),
                ],
            },
            {
                "title": _("Insight"),
                "separator": True,
                "items": [
                    _own(_("Who buys here"), "insights", "insightreport"),
                    _own(_("Looks at members"), "visibility", "insightaccess"),
                    _own(_("Prospects"), "person_search", "prospectcount"),
                    _own(_("Offers to prospects"), "local_offer", "prospectoffer"),
                ],
            },
            {
                "title": _("Company"),
                "separator": True,
                "items": [_own(_("Staff"), "badge", "staffrole")],
            },
        ],
    },
}
