"""Pages of the ground floor. Importing this package puts them on the operators' site."""

from . import api_keys, audit, inbox, jobs, looks, outbox, sign_ins, staff

__all__ = ["api_keys", "audit", "inbox", "jobs", "looks", "outbox", "sign_ins", "staff"]
