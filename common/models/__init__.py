from .api_keys import ApiKey
from .audit import AuditEntry
from .idempotency import IdempotencyRecord
from .inbox import InboxEvent, RejectedEvent
from .jobs import JobChunk, JobRun
from .looks import Look
from .outbox import Delivery, DeliveryAttempt, Fact, WebhookEndpoint
from .staff import Staff

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Delivery",
    "DeliveryAttempt",
    "Fact",
    "IdempotencyRecord",
    "InboxEvent",
    "JobChunk",
    "JobRun",
    "Look",
    "RejectedEvent",
    "Staff",
    "WebhookEndpoint",
]
