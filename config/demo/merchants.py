"""What the demo's merchants do once the year is told: memberships, points, campaigns, prices."""

from __future__ import annotations

from common.models import Staff
from config.demo import clubs, funding, pricing, staff
from config.demo.stories import Story


def set_up(story: Story, finance: Staff) -> None:
    """All of it, as of the end of the story; a second time it changes nothing."""
    owners = {"lantu": staff.find("lan"), "moxiang": staff.find("mo")}
    clubs.set_up(story.people, story.end, owners)
    funding.set_up(story.end, owners, finance)
    pricing.set_up(story.end, owners["lantu"])
