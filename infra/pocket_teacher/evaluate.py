"""Measures a pocket teacher on fresh problems: python -m infra.pocket_teacher.evaluate MODEL_DIR --seed S."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import chain, islice
from pathlib import Path
from statistics import fmean

from infra.pocket_teacher.mixture import SHARES, Stream, training_problems
from infra.pocket_teacher.serving import Continuation, Drawing, Server
from tasks import think
from tasks.sources.problems import FAMILIES, Problem, draw, is_right

TAUGHT = [family for family in FAMILIES if family in SHARES]
"""The kinds of problems that the pocket teacher has learnt."""
SEED_STRIDE = 1_000_000
MAX_TOKENS = 400


@dataclass(frozen=True)
class Score:
    """One family's line of the table; shares from 0 to 1, pass_at_k over all samples of a problem."""

    problems: int
    closed: float
    right: float
    pass_at_k: float
    think_characters: float
    seen_in_training: float
    right_unseen: float | None


@dataclass(frozen=True)
class OwnPrompts:
    """How prompts fare that the model writes itself; every share is of all of them."""

    count: int
    unique: float
    ended: float
    seen_in_training: float
    answered_closed: float
    first: tuple[str, ...]


@dataclass(frozen=True)
class Miss:
    """A wrong or unclosed answer, kept for reading."""

    family: str
    prompt: str
    expected: str
    text: str


@dataclass(frozen=True)
class Evaluation:
    """Everything an evaluation found."""

    seed: int
    samples: int
    temperature: float
    output_tokens_per_second: float
    overall: Score
    families: dict[str, Score]
    own_prompts: OwnPrompts
    misses: tuple[Miss, ...]


def is_success(problem: Problem, text: str) -> bool:
    """Whether the trace is well-formed and its answer right."""
    parsed = think.split(text)
    return parsed.fault is None and is_right(problem, parsed.answer)


def score(
    problems: Sequence[Problem], answers: Sequence[list[Continuation]], seen: frozenset[str]
) -> Score:
    """The line of one family."""
    parsed = [think.split(one.text) for choices in answers for one in choices]
    rights = [
        [is_success(problem, one.text) for one in choices]
        for problem, choices in zip(problems, answers, strict=True)
    ]
    unseen = [
        fmean(right)
        for problem, right in zip(problems, rights, strict=True)
        if problem.prompt not in seen
    ]
    return Score(
        problems=len(problems),
        closed=fmean(one.fault is None for one in parsed),
        right=fmean(fmean(right) for right in rights),
        pass_at_k=fmean(any(right) for right in rights),
        think_characters=fmean(len(one.think) for one in parsed),
        seen_in_training=fmean(problem.prompt in seen for problem in problems),
        right_unseen=fmean(unseen) if unseen else None,
    )


def mean_of(scores: Sequence[Score]) -> Score:
    """The mean of the families, each counting alike."""
    unseen = [one.right_unseen for one in scores if one.right_unseen is not None]
    means = {
        name.name: fmean(getattr(one, name.name) for one in scores)
        for name in fields(Score)
        if name.name not in ("problems", "right_unseen")
    }
    return Score(
        problems=sum(one.problems for one in scores),
        right_unseen=fmean(unseen) if unseen else None,
        **means,
    )


def misses_of(
    problems: Sequence[Problem], answers: Sequence[list[Continuation]], *, limit: int
) -> list[Miss]:
    """The first wrong sample of up to that many problems."""
    wrong = []
    for problem, choices in zip(problems, answers, strict=True):
        texts = [one.text for one in choices if not is_success(problem, one.text)]
        wrong += [Miss(problem.family, problem.prompt, problem.answer, text) for text in texts[:1]]
    return wrong[:limit]


def judge_own_prompts(server: Server, seen: frozenset[str], *, count: int, seed: int) -> OwnPrompts:
    """Lets the model write prompts and answer them."""
    written = server.own_prompts(count, seed=seed)
    texts = [one.text.strip() for one in written]
    answers = server.answers(
        texts, Drawing(samples=1, temperature=0.8, max_tokens=MAX_TOKENS, seed=seed)
    )
    return OwnPrompts(
        count=count,
        unique=len(set(texts)) / count,
        ended=fmean(one.ended for one in written),
        seen_in_training=fmean(text in seen for text in texts),
        answered_closed=fmean(think.split(choices[0].text).fault is None for choices in answers),
        first=tuple(texts[:8]),
    )


def evaluate(folder: Path, *, seed: int, problems: int, drawing: Drawing) -> Evaluation:
    """Asks fresh problems of every family and scores the answers."""
    drawn = {
        family: [draw(family, seed * SEED_STRIDE + number) for number in range(problems)]
        for family in TAUGHT
    }
    seen = training_prompts(folder)
    server, started = Server(folder), time.monotonic()
    answers = server.answers(
        [problem.prompt for family in TAUGHT for problem in drawn[family]], drawing
    )
    speed = sum(one.tokens for choices in answers for one in choices) / (time.monotonic() - started)
    by_family = {
        family: answers[number * problems : (number + 1) * problems]
        for number, family in enumerate(TAUGHT)
    }
    scores = {family: score(drawn[family], by_family[family], seen) for family in TAUGHT}
    return Evaluation(
        seed=seed,
        samples=drawing.samples,
        temperature=drawing.temperature,
        output_tokens_per_second=round(speed),
        overall=mean_of(list(scores.values())),
        families=scores,
        own_prompts=judge_own_prompts(server, seen, count=200, seed=seed),
        misses=tuple(
            miss
            for family in TAUGHT
            for miss in misses_of(drawn[family], by_family[family], limit=12)
        ),
    )


def training_prompts(folder: Path) -> frozenset[str]:
    """Every prompt of the streams that training read, by the record in the folder; none where there is no record."""
    path = folder / "training.json"
    if not path.exists():
        return frozenset()
    record = json.loads(path.read_text())
    streams = [Stream(*stream) for stream in record["streams"]]
    drawn = chain.from_iterable(
        islice(training_problems(stream.seed), stream.problems) for stream in streams
    )
    return frozenset(problem.prompt for problem in drawn)


def table(evaluation: Evaluation) -> str:
    """The scores as a Markdown table."""
    heads = (
        "family",
        "closed",
        "right",
        f"pass@{evaluation.samples}",
        "think characters",
        "seen in training",
        "right if unseen",
    )
    lines = [row(*heads), row(*["---"] * len(heads))]
    for name, one in (evaluation.families | {"mean of families": evaluation.overall}).items():
        shares = [f"{share:.1%}" for share in (one.closed, one.right, one.pass_at_k)]
        unseen = "" if one.right_unseen is None else f"{one.right_unseen:.1%}"
        lines.append(
            row(name, *shares, f"{one.think_characters:.0f}", f"{one.seen_in_training:.1%}", unseen)
        )
    return "\n".join(lines)


def row(*cells: str) -> str:
    """The cells as a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def own_prompts_line(own: OwnPrompts) -> str:
    """What became of the model's own prompts, in a sentence."""
    return (
        f"Of {own.count} prompts written by the model itself {own.unique:.1%} are unique, {own.ended:.1%} ended, "
        f"{own.seen_in_training:.1%} occur in training, {own.answered_closed:.1%} were answered in a closed trace."
    )


def main() -> None:
    """Reads the command line, measures, prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder of the model")
    parser.add_argument(
        "--seed",
        type=int,
        required=True,
        help="decides the problems; a seed looked at while designing is spent",
    )
    parser.add_argument("--samples", type=int, default=8, help="answers per problem")
    parser.add_argument("--problems", type=int, default=200, help="problems per family")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("pocket_evaluation.json"),
        help="where the numbers and some wrong answers go",
    )
    arguments = parser.parse_args()
    drawing = Drawing(
        samples=arguments.samples,
        temperature=arguments.temperature,
        max_tokens=MAX_TOKENS,
        seed=arguments.seed,
    )
    evaluation = evaluate(
        arguments.model, seed=arguments.seed, problems=arguments.problems, drawing=drawing
    )
    arguments.json.write_text(json.dumps(asdict(evaluation), indent=2) + "\n")
    sys.stdout.write(f"{table(evaluation)}\n\n{own_prompts_line(evaluation.own_prompts)}\n")
    sys.stdout.write(f"{evaluation.output_tokens_per_second:.0f} output tokens per second\n")


if __name__ == "__main__":
    main()
