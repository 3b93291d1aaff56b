"""Coherence: a model reads a sample of traces and says whether each think block reasons about its
own question.

What it says counts only as far as it can be believed: among the rows it judges are plants, of which
the truth is known.
"""

import functools
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from tasks import think
from tasks.critique.agreement import Agreement, Judgement, Opinion, agreement_of
from tasks.critique.planting import faulty, plants
from tasks.critique.rubrics import built_in, rubric, rubric_text
from tasks.errors import unknown_name
from tasks.inference.complete import complete, teacher_digest
from tasks.inference.engine import Ask, Completion, ModelName, NamedModel
from tasks.inference.models import POCKET, resolve
from tasks.progress import watcher
from tasks.spec import Spec, canonical, digest, draw_seed
from tasks.verdicts.case import NOT_CHECKED, Case, Verdict, not_checked, verdict

log = logging.getLogger(__name__)
FAULTY = 4
"""One plant of so many has a fault of the gates' kinds; the others decide whether the judge is
believed.
"""
_VERDICT = re.compile(
    r"^(?:[^\w\n]|_)*verdict(?:[^\w\n]|_)+(yes|right|no|wrong|unsure)(?:[^\w\n]|_)*$",
    re.IGNORECASE | re.MULTILINE,
)
_MEANING: Mapping[frozenset[str], Opinion] = {
    frozenset({"yes"}): "coherent",
    frozenset({"right"}): "coherent",
    frozenset({"no"}): "incoherent",
    frozenset({"wrong"}): "incoherent",
}


class CoherenceSpec(Spec):
    """Who judges whether think blocks reason about their questions, how many of them, and how good
    a judge must be.
    """

    cost: float = Field(1.0, gt=0, le=16)
    """Questions that the judge may be asked, plants included, for every trace of the teacher;
    plants take half of them at most, and the sample shrinks to what is left.
    """
    share: float = Field(0.0, ge=0, le=1)
    """Share of the passing traces that are judged, 0.1 for example; 0 asks no judge."""
    model: ModelName | None = None
    """Name of the model that reads. Without a name the first model of the traces reads, at
    temperature 0, so that it says the same again.
    """
    rubric: str = ""
    """rubric, rubric_pocket, or the path of a .jinja file; empty takes rubric_pocket for
    builtin:pocket and rubric for any other judge.
    """
    plants: int = Field(60, ge=2)
    """Rows that measure the judge. Three of four decide whether it is believed: half of these are
    spoilt on purpose, and with few of them one false alarm decides. The fourth has one of the
    faults on which the gates are measured too.
    """
    precision: float = Field(0.95, ge=0, le=1)
    """Share of the plants called incoherent that must be spoilt; below it the judge abstains as a
    whole.
    """
    seed: int = Field(0, ge=0)
    """Draws the sample and the plants."""

    @field_validator("rubric")
    @classmethod
    def _is_known(cls, rubric: str) -> str:
        if rubric and not rubric.endswith(".jinja") and rubric not in built_in():
            raise ValueError(str(unknown_name("rubric", rubric, built_in())))
        return rubric


@dataclass(frozen=True)
class Judged:
    """What became of a sample: a verdict a trace, by trace_id, and how far the judge agrees with
    the plants.

    faulty: rows with the faults on which the gates are measured, and what the judge said of them;
    they tell what it finds and have no part in whether it is believed. asked: plants and traces for
    which the rubric had a form. called: traces of the sample that the judge called incoherent,
    believed or not. abstained: traces without an opinion that counts.
    """

    verdicts: dict[str, Verdict]
    agreement: Agreement
    plants: tuple[Judgement, ...]
    faulty: tuple[Judgement, ...]
    asked: int
    called: int
    abstained: int
    trusted: bool

    def sentence(self) -> str:
        """Return what the judge is worth and what it said, for people."""
        if not self.verdicts:
            return "no trace was put to a judge"
        said = f"it called {self.called} of {len(self.verdicts)} traces incoherent"
        heard = (
            f"abstained on {self.abstained}"
            if self.trusted
            else "is not believed, so it abstains on all"
        )
        return f"{self.agreement.sentence()}{self._on_faults()}; {said} and {heard}"

    def _on_faults(self) -> str:
        said = [one.opinion for one in self.faulty]
        if not said:
            return ""
        return (
            f"; of {len(said)} rows with faults of the gates' kinds it called"
            f" {said.count('incoherent')} incoherent and abstained on {said.count('abstained')}"
        )


def judge_coherence(
    cases: Sequence[Case],
    spec: CoherenceSpec,
    judge: NamedModel,
    *,
    journals: Path,
    traces: int = 0,
) -> Judged:
    """Return the verdicts on a sample of the cases, which passed every other gate; plants and
    sample are asked of one engine.

    Nothing is started when the sample is empty. Raises what the engine raises. The sound plants are
    cases too: where many are incoherent, the judge looks worse than it is and may not be believed,
    never better; `called` still tells. traces: those of the teacher, to which the cost is held; 0
    bounds nothing. journals: folder that keeps every answer, so that none is asked for twice.
    """
    budget = int(spec.cost * traces) if traces else len(cases) + spec.plants
    drawn = sample(cases, spec)
    due = min(spec.plants, budget // 2) if drawn else 0
    spoilt = faulty(cases, count=due // FAULTY, seed=spec.seed)
    known = [*plants(cases, count=due - due // FAULTY, seed=spec.seed), *spoilt]
    drawn = _fewest(drawn, budget - len(known), spec)
    asks = [question(case, spec, judge) for case in (*(plant.case for plant in known), *drawn)]
    opinions = _opinions(asks, judge, journals)
    measured = tuple(map(Judgement, known, opinions))
    measured, faults = measured[: len(known) - len(spoilt)], measured[len(known) - len(spoilt) :]
    said = dict(zip((case.trace_id for case in drawn), opinions[len(known) :], strict=True))
    agreement = agreement_of(judge.model.model, measured)
    verdicts = conclude(said, agreement, spec)
    judged = Judged(
        verdicts,
        agreement,
        measured,
        faults,
        asked=len(asks) - asks.count(None),
        called=list(said.values()).count("incoherent"),
        abstained=sum(one.state == NOT_CHECKED for one in verdicts.values()),
        trusted=believed(agreement, spec),
    )
    log.info("coherence: %s", judged.sentence())
    return judged


def sample(cases: Iterable[Case], spec: CoherenceSpec) -> list[Case]:
    """Return the cases to be judged; whether a case is among them depends on its trace_id and the
    seed alone.
    """
    return [case for case in cases if _draw(case, spec) < spec.share * 2**31]


def _draw(case: Case, spec: CoherenceSpec) -> int:
    return draw_seed(spec.seed, "coherence", case.trace_id)


def _fewest(drawn: Sequence[Case], most: int, spec: CoherenceSpec) -> list[Case]:
    """Return at most so many of the cases: those that a smaller share would have drawn, in their
    order.
    """
    kept = {case.trace_id for case in sorted(drawn, key=lambda one: _draw(one, spec))[:most]}
    return [case for case in drawn if case.trace_id in kept]


def question(case: Case, spec: CoherenceSpec, judge: NamedModel) -> Ask | None:
    """Return what the judge is asked about a case, or None when the rubric has no form for it.

    The key covers the words of the question alone, so equal questions are one; the seed is drawn
    from it.
    """
    text = rubric(case, rubric_name(spec, judge))
    if not text:
        return None
    system = (
        [{"role": "system", "content": judge.model.system_prompt}]
        if judge.model.system_prompt
        else []
    )
    messages = [*system, {"role": "user", "content": text}]
    key = digest("coherence", canonical([dict(message) for message in messages]))
    return Ask(key, tuple(messages), draw_seed(spec.seed, key))


def reading(completion: Completion) -> Opinion:
    """Return the opinion of a judge's answer: its one verdict, wherever it stands alone on a line
    behind the judge's own thoughts.

    An answer that was cut, breaks the grammar of traces, or holds no verdict or several different
    ones, is an abstention.
    """
    parsed = think.split(completion.text)
    if completion.finish_reason != "stop" or parsed.fault not in {None, "missing_think"}:
        return "abstained"
    return _MEANING.get(
        frozenset(word.lower() for word in _VERDICT.findall(parsed.answer)), "abstained"
    )


def conclude(
    opinions: Mapping[str, Opinion], agreement: Agreement, spec: CoherenceSpec
) -> dict[str, Verdict]:
    """Return a verdict for every opinion, by trace_id; the score is 1 coherent, 0 incoherent.

    A judge whose measured precision is below the spec's, or was not measured, abstains on every
    trace; an abstention is no pass: the trace is not checked.
    """
    heard = believed(agreement, spec)
    return {
        trace_id: _verdict(opinion if heard else "abstained")
        for trace_id, opinion in opinions.items()
    }


def believed(agreement: Agreement, spec: CoherenceSpec) -> bool:
    """Return whether the judge's "incoherent" counts."""
    return agreement.true_positives > 0 and agreement.precision >= spec.precision


def judge_digest(spec: CoherenceSpec, judge: NamedModel) -> str:
    """Return what tells one judge from another: the text of its rubric, its settings and
    weights.
    """
    if not spec.share:
        return ""
    return digest(rubric_text(rubric_name(spec, judge)), teacher_digest(judge.model))


def rubric_name(spec: CoherenceSpec, judge: NamedModel) -> str:
    """Return the rubric a judge is asked with: the spec's, or the one its model was made for."""
    return spec.rubric or (
        "rubric_pocket" if resolve(judge.model.model) == str(POCKET) else "rubric"
    )


def _opinions(asks: Sequence[Ask | None], judge: NamedModel, journals: Path) -> list[Opinion]:
    due = [ask for ask in asks if ask]
    if not due:
        return ["abstained"] * len(asks)
    report = functools.partial(watcher(), unit="question")
    with complete(
        lambda: due, judge.model, placement=judge.placement, journals=journals, progress=report
    ) as given:
        return [reading(given[ask.key]) if ask else "abstained" for ask in asks]


def _verdict(opinion: Opinion) -> Verdict:
    if opinion == "abstained":
        return not_checked("coherence", "judge_abstained")
    return verdict(
        "coherence", "incoherent_think" if opinion == "incoherent" else None, opinion == "coherent"
    )
