import math
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date as calendar_date
from datetime import timedelta
from pathlib import Path

import pytest
import sympy  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.errors import UnknownName
from tasks.sources.problems import FAMILIES, capacity, draw, is_right
from tasks.sources.problems.lexicon import HEADINGS, NAMES, NOTICES, REMARKS, listed, lowered
from tasks.sources.problems.problem import Problem
from tasks.sources.problems.rulebook import (
    EXAMINER_WORDINGS,
    FEE_WORDINGS,
    FORMS_BY_KIND,
    QUESTION_FORMS,
    REPLY_WORDINGS,
    SILENT,
    Section,
    prompt_of,
)

ROOM = Path(__file__).parents[2] / "tasks"
SEEDS = range(300)
SECTION = re.compile(r"^## Section (\d+)\. (.+)\n\n(.+)$", re.MULTILINE)
FORMALITIES = {
    "the fee is paid": ("fee", "paid"),
    "the oath is signed": ("oath", "signed"),
    "it includes an abstract": ("abstract", "include"),
    "the applicant is named": ("applicant", "named"),
    "a translation is on file": ("translation", "on file"),
    "the drawings are labeled": ("drawings", "labeled"),
}
PASSAGE_LINE = re.compile(r"^\[(Section (\d+))\] ([^.]+)\. (.+)$", re.MULTILINE)


def numbers_of(problem: Problem) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", problem.prompt)]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_answer_is_right_and_a_spoiled_one_is_not(family: str) -> None:
    for seed in SEEDS:
        problem = draw(family, seed)
        assert problem.family == family
        assert problem.think and (
            problem.answer in problem.accepted or problem.answer_type == "number"
        )
        assert is_right(problem, problem.answer)
        assert all(is_right(problem, f"  {answer.upper()}. ") for answer in problem.accepted)
        assert (
            not is_right(problem, problem.answer + " and more") or problem.answer_type == "number"
        )
        assert not is_right(problem, "")


def test_a_number_counts_boxed_or_bare_and_the_last_box_decides() -> None:
    problem = draw("addition", 1)
    right = problem.accepted[0]
    assert is_right(problem, right) and is_right(
        problem, f"First \\boxed{{7}}, then \\boxed{{{right}}}."
    )
    assert not is_right(problem, f"\\boxed{{{right}}} or \\boxed{{{int(right) + 1}}}")


@pytest.mark.parametrize("family", FAMILIES)
def test_no_other_problem_s_answer_passes_unless_it_is_among_the_accepted(family: str) -> None:
    problems = [draw(family, seed) for seed in range(40)]
    for problem in problems:
        passing = {other.answer for other in problems if is_right(problem, other.answer)}
        assert passing <= {
            other.answer for other in problems if set(other.accepted) & set(problem.accepted)
        } | {other.answer for other in problems if other.answer in problem.accepted}


def test_sums_and_differences_are_those_of_the_prompt() -> None:
    for seed in SEEDS:
        problem = draw("addition", seed)
        assert int(problem.accepted[0]) == sum(numbers_of(problem))
        problem = draw("subtraction", seed)
        left, right = numbers_of(problem)
        assert int(problem.accepted[0]) == abs(left - right)


def test_stories_add_when_things_come_and_subtract_when_they_go() -> None:
    for seed in SEEDS:
        problem = draw("word_problem", seed)
        left, right = numbers_of(problem)
        grows = any(word in problem.prompt for word in ("more", "together", "in all"))
        assert int(problem.accepted[0]) == (left + right if grows else left - right)


def test_equations_are_solved_by_their_solution() -> None:
    for seed in SEEDS:
        problem = draw("equation", seed)
        found = re.search(r"(\d+)x ([+-]) (\d+) = (\d+)", problem.prompt)
        assert found
        factor, sign, constant, total = found.groups()
        unknown = sympy.Symbol("x")
        solved = sympy.solve(
            sympy.Eq(int(factor) * unknown + int(sign + constant), int(total)), unknown
        )
        assert solved == [int(problem.accepted[0])]


def test_divisors_and_remainders_agree_with_the_library() -> None:
    for seed in SEEDS:
        problem = draw("gcd", seed)
        assert int(problem.accepted[0]) == math.gcd(*numbers_of(problem))
        problem = draw("remainder", seed)
        number, divisor = numbers_of(problem)
        assert int(problem.accepted[0]) == number % divisor


def test_due_dates_agree_with_the_calendar() -> None:
    for seed in SEEDS:
        problem = draw("date", seed)
        found = re.search(r"\d{4}-\d\d-\d\d", problem.prompt)
        period = re.search(r"(\d+) (days|months)", problem.prompt)
        assert found and period
        start, count = calendar_date.fromisoformat(found[0]), int(period[1])
        if period[2] == "days":
            due = start + timedelta(days=count)
        else:
            months = start.month - 1 + count
            due = start.replace(year=start.year + months // 12, month=months % 12 + 1)
        assert due.isoformat() in problem.accepted


def test_a_look_up_cites_lines_that_hold_its_answer_and_abstains_often_enough() -> None:
    silent = 0
    for seed in SEEDS:
        problem = draw("lookup", seed)
        if problem.answer == "The passage does not say.":
            silent += 1
            continue
        lines = dict(re.findall(r"^\[(\d)\] (.+)$", problem.prompt, re.MULTILINE))
        cited = [lines[number].lower() for number in re.findall(r"\[(\d)\]", problem.answer)]
        value = re.sub(r" ?\[\d\]", "", problem.answer).lower()
        if "total" in problem.prompt or "together" in problem.prompt:
            assert int(value.split()[0]) == sum(
                int(fee) for line in cited for fee in re.findall(r"(\d+) credits", line)
            )
        else:
            assert value in cited[-1]
    assert silent >= 0.12 * len(SEEDS)


def test_an_irac_verdict_follows_from_the_rule() -> None:
    for seed in SEEDS:
        problem = draw("irac", seed)
        found = re.search(r"Rule: A claim is allowed only if (.+)\.\nFacts: (.+)", problem.prompt)
        assert found
        alternative = " or " in found[1]
        held = [condition_holds(text, found[2]) for text in re.split(" or | and ", found[1])]
        assert problem.answer.startswith(
            "Allowed" if (any if alternative else all)(held) else "Rejected"
        )
        assert all(answer.split(". ", 1)[1] in found[2] for answer in problem.accepted)


def condition_holds(condition: str, facts: str) -> bool:
    bound = re.search(r"(at most|at least|by day) (\d+)(?: (\w+))?", condition)
    if bound:
        noun = r"on day (\d+)" if bound[1] == "by day" else rf"(\d+) {bound[3]}"
        count = re.search(noun, facts)
        assert count
        return (
            int(count[1]) >= int(bound[2])
            if bound[1] == "at least"
            else int(count[1]) <= int(bound[2])
        )
    noun, verb = FORMALITIES[condition]
    told = next(
        sentence for sentence in facts.split(". ") if noun in sentence.lower() and verb in sentence
    )
    return not told.startswith("No ") and " not " not in told


def test_a_judged_answer_is_right_exactly_when_a_line_gives_it() -> None:
    verdicts = {"right": 0, "wrong": 0}
    for seed in SEEDS:
        problem = draw("judging", seed)
        due = re.search(r"So it should be (.+?)\. The answer given is (.+?)\.\n", problem.think)
        given = re.search(r"^A(?:nswer)?: (.+)$", problem.prompt, re.MULTILINE)
        assert due and given and given[1].lower() == due[2].lower()
        verdict = "right" if due[1] == due[2] else "wrong"
        assert problem.answer == f"Verdict: {verdict}"
        verdicts[verdict] += 1
    assert min(verdicts.values()) > 0.35 * len(SEEDS)


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_seldom_repeat_and_capacity_is_not_overdrawn(family: str) -> None:
    prompts = [draw(family, seed).prompt for seed in range(1500)]
    assert capacity(family) >= len(prompts)
    assert len(set(prompts)) > 0.85 * len(prompts)


def test_draws_are_the_same_in_another_process() -> None:
    program = "from tasks.sources.problems import *\nfor f in FAMILIES: print(repr(draw(f, 5)))"
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOM.parent,
        env={"PYTHONHASHSEED": "7"},
    )
    assert told.stdout == "".join(f"{draw(family, 5)!r}\n" for family in FAMILIES)


@pytest.mark.parametrize("call", [lambda: draw("gdc", 1), lambda: capacity("gdc")])
def test_an_unknown_family_names_the_known(call: Callable[[], object]) -> None:
    with pytest.raises(UnknownName, match="gcd"):
        call()


def test_a_rulebook_prompt_is_what_the_template_renders() -> None:
    environment = Environment(
        loader=FileSystemLoader(ROOM / "prompts" / "templates"), undefined=StrictUndefined
    )
    template = environment.get_template("closed_qa.jinja")
    for seed in SEEDS:
        prompt = draw("rulebook", seed).prompt
        passages = [
            {"section": found[1], "heading": found[3], "text": found[4]}
            for found in PASSAGE_LINE.finditer(prompt)
        ]
        assert 1 <= len(passages) <= 4
        assert (
            template.render(passages=passages, question=prompt.rsplit("Question: ", 1)[1]).strip()
            == prompt
        )


def test_a_rulebook_answer_stands_in_the_section_it_cites() -> None:
    for seed in SEEDS:
        problem = draw("rulebook", seed)
        sections = {found[1]: found for found in PASSAGE_LINE.finditer(problem.prompt)}
        asked = problem.prompt.rsplit("Question: ", 1)[1]
        about = [
            label for label, found in sections.items() if asked.endswith(f" {lowered(found[3])}?")
        ]
        if problem.answer == SILENT:
            assert not about
            continue
        value, cited = re.fullmatch(r"(.+) \[(Section \d+)\]", problem.accepted[1]).groups()  # type: ignore[union-attr]
        assert about == [cited] and value in sections[cited][0]


def sample_sections() -> list[Section]:
    texts = [path.read_text() for path in sorted((ROOM / "sources" / "samples").glob("*.md"))]
    return [
        parsed(int(number), heading, body)
        for text in texts
        for number, heading, body in SECTION.findall(text)
    ]


def parsed(number: int, heading: str, body: str) -> Section:
    fee = re.search(r"\d+ credits", body)
    reply = re.search(r"\d+ (?:days|weeks|months)", body)
    examiner = re.search(r"Examiner \w+", body)
    assert fee and reply and examiner, f"Section {number} leaves a question open"
    return Section(
        number,
        heading,
        fee[0],
        reply[0],
        examiner[0],
        tuple(re.findall(r"[^.]+\.", body.replace(". ", "."))),
    )


def test_sample_sections_are_many_distinct_and_answer_every_form() -> None:
    sections = sample_sections()
    assert 80 <= len(sections) <= 100
    assert (
        len({section.number for section in sections})
        == len({section.heading for section in sections})
        == len(sections)
    )
    assert all(section.value(asked) for section in sections for asked in FORMS_BY_KIND)
    assert len(QUESTION_FORMS) == 2 * len(FORMS_BY_KIND) and all(
        form.count("{topic}") == 1 for form in QUESTION_FORMS
    )


def test_sample_sections_say_only_what_the_lexicon_holds() -> None:
    for section in sample_sections():
        known = {
            *(form.format(fee=section.fee) for form in FEE_WORDINGS),
            *(form.format(reply=section.reply) for form in REPLY_WORDINGS),
            *(form.format(examiner=section.examiner) for form in EXAMINER_WORDINGS),
            *REMARKS,
        }
        assert section.topic in HEADINGS and section.examiner.split()[1] in NAMES
        assert set(section.sentences) <= known
        assert prompt_of([section], "Who?").count("\n") == 4


def test_sample_documents_carry_title_licence_and_source() -> None:
    for path in (ROOM / "sources" / "samples").glob("*.md"):
        front = path.read_text().split("---")[1]
        assert (
            "title: " in front
            and "licence: Apache-2.0" in front
            and 'source: "Tracemill sample domain"' in front
        )


def test_names_of_the_lexicon_are_distinct() -> None:
    for names in (HEADINGS, NOTICES, NAMES):
        assert len(set(names)) == len(names) and all(names)
    assert listed("one two,\n three") == ("one two", "three")
