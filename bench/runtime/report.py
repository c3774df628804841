"""The runtime's tables."""

import statistics

from bench import budgets
from bench.runtime.statements import Statements
from bench.runtime.throughput import Throughput
from bench.runtime.wakeup import Wakeup
from bench.runtime.webhooks import BARE, BOLT, OURS, SENDERS, SILENT, Webhooks
from bench.tables import NOTHING, figure, table
from bench.verdicts import Verdicts

WEBHOOKS, WORKER, STATEMENTS = "webhooks", "worker", "statements"


class RuntimeReport(Verdicts):
    """Prints what was measured of the runtime; remembers what did not hold."""

    def print_webhooks(self, webhooks: Webhooks) -> None:
        """Print what each contestant acknowledges, and what a silent broker changes."""
        rows = []
        for name, result in webhooks.results.items():
            is_ours = name in (OURS, SILENT)
            row = [name, figure(result.rate)]
            for other, budget in ((BARE, budgets.WEBHOOKS_TO_BARE), (BOLT, budgets.WEBHOOKS_TO_BOLT)):
                ratio = result.ratio_to(webhooks.results[other]) if other in webhooks.results else None
                row.append(self.judged(WEBHOOKS, f"{name} to {other}", ratio, budget if is_ours else None))
            p99_budget = budgets.WEBHOOKS_P99_MS if is_ours else None
            row += [figure(result.p50, 1), self.judged(WEBHOOKS, f"{name}, p99 ms", result.p99, p99_budget, 1)]
            rows.append(row)
        heads = [f"webhooks, {SENDERS} senders", "events/s", "to the bare view", "to Bolt", "p50 ms", "p99 ms"]
        print("\n" + table(heads, rows))
        self._print_silence(webhooks)
        print(
            f"\nOf {webhooks.acknowledged:,} events that botstate acknowledged, {webhooks.receipts:,} receipts", end=""
        )
        print(f" and {webhooks.turns:,} turns are stored.")
        if not webhooks.acknowledged == webhooks.receipts == webhooks.turns:
            self.failures.append(f"{WEBHOOKS}: what was acknowledged is not what is stored")

    def _print_silence(self, webhooks: Webhooks) -> None:
        ours, silent = webhooks.results[OURS], webhooks.results[SILENT]
        budget = budgets.WEBHOOKS_WITH_A_SILENT_BROKER
        rows = [
            ["events/s", self.judged(WEBHOOKS, "silent broker, events/s", silent.ratio_to(ours), budget)],
            ["1 / p99", self.judged(WEBHOOKS, "silent broker, 1 / p99", silent.tail_ratio_to(ours), budget)],
        ]
        print("\n" + table(["a silent broker", "to one that answers"], rows))

    def print_statements(self, counted: Statements) -> None:
        """Print how many statements an event and a turn take."""
        of_event, of_turn = budgets.STATEMENTS_OF_AN_EVENT, budgets.STATEMENTS_OF_A_TURN
        rows = [
            [name, self.judged(STATEMENTS, name, count, budget, 0)]
            for name, count, budget in (
                ("the first event of a thread", counted.first_event, of_event),
                ("a later event of a thread", counted.later_event, of_event),
                ("a turn that does nothing", counted.turn, of_turn),
            )
        ]
        print("\n" + table(["BEGIN and COMMIT included", "statements"], rows))

    def print_wakeup(self, wakeup: Wakeup) -> None:
        """Print how soon a handler starts."""
        median = self.judged(WORKER, "ms from 200 to the handler", wakeup.median, budgets.MS_TO_THE_HANDLER, 1)
        rows = [["the handler's start", median, figure(wakeup.p99, 1), figure(len(wakeup.times))]]
        print("\n" + table(["from 200, the worker idle", "median ms", "p99 ms", "events"], rows))

    def print_throughput(self, results: dict[str, Throughput]) -> None:
        """Print what a worker does in a second."""
        rows = []
        for pool, result in results.items():
            rows.append([f"{pool}: empty tasks", figure(statistics.median(result.empty)), NOTHING])
            for name, rates, budget in (
                ("many threads, one turn each", result.many, budgets.TURNS_OF_MANY_THREADS),
                ("one thread, many turns", result.one, budgets.TURNS_OF_ONE_THREAD),
            ):
                ratio = self.judged(WORKER, f"{pool}, {name}", result.ratio_of(rates), budget)
                rows.append([f"{pool}: {name}", figure(statistics.median(rates)), ratio])
        print("\n" + table(["one worker", "per second", "to empty tasks"], rows))
