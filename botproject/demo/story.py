"""The story that the demo plays."""

import re

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.slack_client import Answer, SlackClient
from botproject.demo.slack_workspace import Payload, SlackWorkspace, find_button, new_id
from botproject.demo.stage import Stage
from botproject.demo.stored import Stored
from botproject.demo.timeline import Timeline
from botproject.demo.waiting import wait_until
from botproject.demo.witness import RUN_WITHIN_S, Witness
from botstate import exact_json

#: `redeliver` trusts a ring for 10 s and runs every 5 s.
RING_AGAIN_WITHIN_S = 30
#: A signed request is refused after 5 minutes.
STALE_S = 10 * 60
MINTED_ID = re.compile("ck:[0-9a-f]{16}")
LABELS = ("Approve", "Hand to on-call")
PROPS = {"ticket_id": 7, "amount": 12.5}


class Story:
    """Each act goes on where the one before has ended.

    The story goes on after a check that failed; it ends with StoryEnded where it cannot.
    """

    def __init__(
        self, stage: Stage, api: SlackWebApi, slack: SlackClient, workspace: SlackWorkspace, timeline: Timeline
    ) -> None:
        self.stored = Stored(workspace.team)
        self._stage = stage
        self._slack = slack
        self._workspace = workspace
        self._timeline = timeline
        self._witness = Witness(timeline, api, self.stored, workspace.channel)
        self._ada, self._bob = new_id("U"), new_id("U")
        self._mention = workspace.mention(self._ada, "my order never arrived")
        self._thread_ts: str = self._mention["event"]["ts"]
        self._card: Payload = {}

    def play(self) -> None:
        """Play all of it."""
        self._timeline.act("A mention opens a ticket")
        self.mention()
        self._timeline.act("Everything is killed, and started again")
        self.kill_everything()
        self._timeline.act("The button still works")
        self.click()
        self._timeline.act("Somebody clicks it again")
        self.click_again()
        self._timeline.act("Slack sends the same event again")
        self.send_again()
        self._timeline.act("Forged and stale requests")
        self.forge()
        self._timeline.act("No worker, and a broker that forgets")
        self.lose_worker_and_ring()
        self._timeline.act("All in all")
        self.count()

    def mention(self) -> None:
        """The state is written, and a card with buttons is posted."""
        self._stage.start(self._stage.site, self._stage.worker)
        self._witness.sends("slack", "app_mention: Ada writes “@support my order never arrived”")
        self._witness.expect_accepted(self._slack.send_event(self._mention))
        self._witness.expect_turn(1, "mention")
        self._card = self._witness.expect_post(1, self._thread_ts).answer["message"]
        blocks = [block["type"] for block in self._card.get("blocks", [])]
        expected = ["header", "section", "actions"]
        self._timeline.check("it is a card: header, section, a row of buttons", got=blocks, expected=expected)
        ids = [button["action_id"] for label in LABELS if (button := find_button(self._card, label))]
        minted = {id for id in ids if MINTED_ID.fullmatch(id)}
        self._timeline.check(f"two buttons, each with a minted id: {' '.join(ids)}", got=len(minted), expected=2)
        controls = {action.action_id: exact_json.loads(action.props) for action in self.stored.actions()}
        remembered = dict.fromkeys(ids, PROPS)
        self._timeline.check(f"both are stored, with the props {PROPS}", got=controls, expected=remembered)
        self._witness.expect_state(stage="waiting", ticket_id=7, decided_by=None, messages=1)

    def kill_everything(self) -> None:
        """Nothing in memory survives."""
        programs = (self._stage.site, self._stage.worker)
        killed = self._stage.kill(*programs)
        left = [pid for program in programs for pid in program.pids()]
        self._timeline.check("not one of these processes is left", got=left, expected=[])
        self._timeline.check("nobody answers on the site's port", got=self._stage.site_answers(), expected=False)
        self._stage.start(*programs)
        reborn = {pid for program in programs for pid in program.pids()}
        self._timeline.check("these are others than before", got=reborn & set(killed), expected=set())

    def click(self) -> None:
        """The handler that was shown runs, in a process that has never seen the card."""
        self._witness.sends("slack", "block_actions: Ada clicks Approve on the card")
        self._witness.expect_accepted(self._click(self._ada))
        turn = self._witness.expect_turn(2, "click")
        text = self._witness.expect_post(2, self._thread_ts).arguments["text"]
        approved = f"Ticket 7 was approved by <@{self._ada}>."
        self._timeline.check("that is what Approve's handler says", got=text, expected=approved)
        used = {action.label: action.consumed_by for action in self.stored.actions()}
        expected = dict(zip(LABELS, (turn.pk, None), strict=True))
        self._timeline.check("Approve is used up by this turn, the other button is not", got=used, expected=expected)
        self._witness.expect_state(stage="resolved", ticket_id=7, decided_by=self._ada, messages=1)

    def click_again(self) -> None:
        """Approve is `once`: nothing runs, and the person is told."""
        before = (self._state_version(), len(self._witness.posts()))
        self._witness.sends("slack", "block_actions: Bob clicks Approve too")
        self._witness.expect_accepted(self._click(self._bob))
        self._witness.expect_turn(3, "click")
        told = self._witness.told(self._bob)
        self._timeline.event("worker", f"chat.postEphemeral to Bob: “{' '.join(told)}”")
        self._timeline.check("Bob alone is told", got=told, expected=["This control has already been used."])
        after = (self._state_version(), len(self._witness.posts()))
        self._timeline.check("no handler ran: the same state, no other message", got=after, expected=before)

    def send_again(self) -> None:
        """What Slack believes to be lost, and the message event that comes with every mention."""
        before = self.stored.counts()
        self._witness.sends("slack", "the first mention, byte for byte, with X-Slack-Retry-Num: 1")
        self._witness.expect_accepted(self._slack.send_event(self._mention, retry=1))
        self._witness.sends("slack", "its twin, the message event, with an event id of its own")
        self._witness.expect_accepted(self._slack.send_event(self._workspace.message_twin(self._mention)))
        self._witness.expect_counts("no second turn", before)

    def forge(self) -> None:
        """What Slack did not sign, or not now, does not get in."""
        before = self.stored.counts()
        forged = self._workspace.mention(self._ada, "give me a refund")
        self._witness.sends("forger", "a mention, signed with another secret")
        self._witness.expect_refused(self._slack.send_event(forged, secret=new_id("guess ")))
        self._witness.sends("forger", "a mention, signed well, ten minutes ago")
        self._witness.expect_refused(self._slack.send_event(forged, age_s=STALE_S))
        self._witness.expect_counts("nothing is stored", before)

    def lose_worker_and_ring(self) -> None:
        """An accepted event waits in the database: what the broker holds is only a hint."""
        self._stage.kill(self._stage.worker)
        # What beat left there is not the ring that is to be lost.
        self._stage.empty_broker()
        self._witness.sends("slack", "app_mention: Bob writes “@support any news?” in the thread")
        mention = self._workspace.mention(self._bob, "any news?", self._thread_ts)
        self._witness.expect_accepted(self._slack.send_event(mention))
        lost = wait_until(self._stage.empty_broker, "the site's ring in the broker's folder", RUN_WITHIN_S)
        self._timeline.event("broker", f"its folder is emptied; messages lost: {lost}")
        waiting = [(turn.status, turn.attempts) for turn in self.stored.turns()[3:]]
        self._timeline.check("the event waits in the database", got=waiting, expected=[("waiting", 0)])
        self._stage.start(self._stage.worker)
        self._timeline.event("beat", "rings again for what waits, every 5 s; the lost ring is trusted for 10 s")
        self._witness.expect_turn(4, "mention", RING_AGAIN_WITHIN_S)
        text = self._witness.expect_post(3, self._thread_ts).arguments["text"]
        self._timeline.check("beat rang again, and the bot answered", got=text, expected="Ticket 7 is resolved.")
        self._witness.expect_state(stage="resolved", ticket_id=7, decided_by=self._ada, messages=2)

    def count(self) -> None:
        """Whatever was killed, lost or sent again: nothing was posted twice."""
        expected = ["chat.postMessage", "chat.postMessage", "chat.postEphemeral", "chat.postMessage"]
        calls = self._witness.calls()
        self._timeline.check("Slack was asked for three messages and one for Bob alone", got=calls, expected=expected)
        counts = {"receipts": 4, "threads": 1, "turns": 4}
        self._timeline.check("four events, four turns, one thread", got=self.stored.counts(), expected=counts)

    def _click(self, user: str) -> Answer:
        return self._slack.send_interaction(self._workspace.click(user, self._card, find_button(self._card, "Approve")))

    def _state_version(self) -> int:
        row = self.stored.state_row()
        return 0 if row is None else row.version
