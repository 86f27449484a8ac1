"""`manage.py prove`: check every invariant of the ledger; exit code 1 if one does not hold."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.models import Proof
from loyalty.services import invariants, proof


class Command(BaseCommand):
    help = "Checks every invariant of the ledger and names the accounts, lots and orders that break one."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        run = proof.prove(now, now)
        titles = {invariant.name: str(invariant.title) for invariant in invariants.ALL}
        for found in run.proofs.order_by("id"):
            self._print(found, titles[found.invariant])
        red = run.counts["red"]
        if red:
            self.stdout.write(self.style.ERROR(f"{red} of {len(titles)} invariants do not hold."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(f"All {len(titles)} invariants hold."))

    def _print(self, found: Proof, title: str) -> None:
        mark = self.style.ERROR("red  ") if found.offenders else self.style.SUCCESS("green")
        self.stdout.write(f"{mark} {found.invariant:<32} {found.duration_ms:>7} ms  {title}")
        for offender in found.sample:
            member = f" ({offender['member']})" if "member" in offender else ""
            self.stdout.write(f"      {offender['kind']} {offender['key']}{member}: {offender['detail']}")
        if found.offenders > len(found.sample):
            self.stdout.write(f"      … {found.offenders} in all")
