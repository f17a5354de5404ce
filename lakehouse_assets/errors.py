"""The one error a person sees: what is wrong, where, and what to do next.

Every room raises it; only the command line prints it and turns it into an exit code.
"""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DATA = 3
EXIT_INTERRUPTED = 130  # by Ctrl-C, as shells have it


class LakehouseError(Exception):
    """A failure with its place and its next step.

    `problem` says what is wrong, `where` names the table, file or service, `next_step` is a
    command, SQL or setting that mends it. `exit_code` is 1 (failed), 2 (usage) or 3 (data).
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        next_step: str = "",
        exit_code: int = EXIT_FAILED,
    ) -> None:
        self.problem = problem
        self.where = where
        self.next_step = next_step
        self.exit_code = exit_code
        super().__init__(self.text())

    def text(self) -> str:
        """All three parts, one a line; empty parts are left out."""
        parts = [
            f"{self.where}: {self.problem}" if self.where else self.problem,
            f"next: {self.next_step}" if self.next_step else "",
        ]
        return "\n".join(part for part in parts if part)


class ConfigurationError(LakehouseError):
    """Settings or catalog are wrong; lists every problem at once (exit code 2)."""

    def __init__(self, problems: list[str], *, where: str, next_step: str = "") -> None:
        self.problems = problems
        noun = "problem" if len(problems) == 1 else "problems"
        listing = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"{len(problems)} {noun}\n{listing}",
            where=where,
            next_step=next_step,
            exit_code=EXIT_USAGE,
        )
