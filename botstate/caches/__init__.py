"""Bounded caches in memory, mirrored in a keyed store where that is switched on, and the registries made of them."""

from botstate.caches.cache import CacheStatus, MirroredCache
from botstate.caches.discord import ComponentEntry, DiscordComponents, ModalEntry, ModalField, Option
from botstate.caches.inbound import InboundDedup
from botstate.caches.matrix import Binding, MatrixApprovals, Resolution
from botstate.caches.slack import SlackThreadParticipation
from botstate.caches.teams import TeamsSentMessages

__all__ = [
    "Binding",
    "CacheStatus",
    "ComponentEntry",
    "DiscordComponents",
    "InboundDedup",
    "MatrixApprovals",
    "MirroredCache",
    "ModalEntry",
    "ModalField",
    "Option",
    "Resolution",
    "SlackThreadParticipation",
    "TeamsSentMessages",
]
