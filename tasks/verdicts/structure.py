"""Structure: one well-ordered think block, an answer, lengths inside the band."""

from pydantic import Field, model_validator

from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, not_checked, verdict


class StructureSpec(Spec):
    """Lengths in characters."""

    think_min: int = Field(40, ge=0)
    """A shorter think block is rejected as short_think."""
    think_max: int = Field(20_000, ge=1)
    """A longer one as long_think."""
    answer_max: int = Field(4_000, ge=1)
    """A longer answer as long_answer."""

    @model_validator(mode="after")
    def _is_a_band(self) -> "StructureSpec":
        if self.think_min > self.think_max:
            raise ValueError(f"think_min {self.think_min} lies above think_max {self.think_max}")
        return self


def structure(case: Case, spec: StructureSpec) -> Verdict:
    """Judge the grammar and the lengths; the score is the think block's length.

    Where only a server has seen the raw text, a row without another fault is not checked.
    """
    fault = case.fault or _length_fault(case, spec)
    if case.parsed and not fault:
        return not_checked("structure", "parsed_by_server")
    return verdict("structure", fault, len(case.think))


def _length_fault(case: Case, spec: StructureSpec) -> str | None:
    if len(case.think) < spec.think_min:
        return "short_think"
    if len(case.think) > spec.think_max:
        return "long_think"
    return "long_answer" if len(case.answer) > spec.answer_max else None
