"""From botstate's intermediate representation to Block Kit, with slack_sdk's own models. Pure.

Whatever the nodes, rendering does not raise and Slack's limits are kept: see `botstate.platforms.slack.limits`.
"""

from botstate.platforms.slack.render.messages import render
from botstate.platforms.slack.render.modals import render_modal

__all__ = ["render", "render_modal"]
