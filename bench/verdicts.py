"""Which budgets do not hold."""

from bench.budgets import Budget
from bench.tables import judged


class Verdicts:
    """Judges ratios, and remembers what did not hold."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def judged(self, where: str, what: str, ratio: float | None, budget: Budget | None, digits: int = 2) -> str:
        """Return a ratio as a table shows it, with its budget."""
        if ratio is not None and budget is not None and not budget.holds(ratio):
            relation = "at least" if budget.is_least else "at most"
            self.failures.append(f"{where}: {what}: {ratio:.{digits}f}, {relation} {budget.bound:g}")
        return judged(ratio, budget, digits)

    def print_failures(self) -> None:
        """Say which budgets do not hold."""
        print("\n== Budgets that do not hold in this run")
        for failure in self.failures or ["none."]:
            print(f"- {failure}")
