"""Follows a training: stops it at its last step, marks complete checkpoints, measures its speed."""

import time
from pathlib import Path
from typing import Any

from tasks.train.checkpoints import FINISHED
from tasks.train.child import Tell

LOGGED = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "mean_token_accuracy": "token_accuracy",
}
"""Name in the trainer's log → name in ours."""


def _logged(line: dict[str, float]) -> dict[str, float]:
    ours = {own: line[theirs] for theirs, own in LOGGED.items() if theirs in line}
    return {"step": line["step"]} | ours


class Watch:
    """Follows a training: stops it at the last step, marks complete checkpoints, counts tokens and
    time, and reports progress.
    """

    def __init__(self, until: int | None, tell: Tell) -> None:
        self._until, self._tell = until, tell
        self._clock = 0.0
        self._first_tokens = self._last_tokens = self._seconds = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Return tokens per second without padding. The first step does not count, because it warms
        up.
        """
        return (self._last_tokens - self._first_tokens) / self._seconds if self._seconds else 0.0

    def lines(self, history: list[dict[str, float]]) -> list[dict[str, float]]:
        """Return loss, rate, gradient norm and accuracy of all steps from the first on."""
        return [_logged(line) for line in history if "loss" in line]

    def callback(self) -> Any:
        """Return this watch in the form that the trainer calls."""
        from transformers import TrainerCallback

        watch = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                if state.global_step in (watch._until, state.max_steps):
                    control.should_save = control.should_training_stop = True

            def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                watch._note(state)

            def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / FINISHED).touch()

        return Callback()

    def _note(self, state: Any) -> None:
        line = state.log_history[-1]
        if "loss" not in line:
            return
        now, tokens = time.perf_counter(), float(line["num_tokens"])
        if self._clock:
            self._seconds += now - self._clock
            self._last_tokens = tokens
        else:
            self._first_tokens = self._last_tokens = tokens
        self._clock = now
        self._tell(done=state.global_step, total=state.max_steps, tokens=int(tokens))
