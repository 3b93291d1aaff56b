"""Writes `raw_answers.jsonl`: what the trial model answers to our prompts, malformed as it comes.

    bash infra/trial_model.sh build/trial_model
    .venv/bin/python -m tests.chains.make_raw_answers build/trial_model

Names of kinds after the folder make only those anew. Every kind is a batch with its own seed, so
the others stay as they are.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.handbook import Entry, entries

ANSWERS = Path(__file__).with_name("raw_answers.jsonl")
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
EACH = 21
"""Answers of each kind."""
OLD_TASKS = (
    "Convert 25 degrees Celsius to Fahrenheit.",
    "Give a title for a story about a lost dog.",
)
USER_HEADER = "<|im_start|>user\n"


class Kind(NamedTuple):
    """A kind of prompt.

    returns: as a recipe writes it. asks: from an entry of the handbook and its place to a prompt.
    raw: the prompt is sent as it is, without the chat template. example: an answer in the right
    form to a prompt before this one.
    """

    name: str
    returns: object
    asks: Callable[[Entry, int], str]
    max_tokens: int
    temperature: float = 0.7
    raw: bool = False
    example: str = ""


def about(entry: Entry, task: str) -> str:
    """Return a prompt with a passage of the handbook and a task."""
    return f"Passage:\n{entry.line}\n\n{task}"


def reply(entry: Entry, place: int) -> str:
    """Return an answer to "What is the fee?" that is right, half right or beside the point."""
    right = f"The fee for this is {entry.fee}."
    return (right, "The fee is 7 credits.", "I like to walk in the park.")[place % 3]


def rated(entry: Entry, place: int, *, last: str) -> str:
    asked = f"Question: What is the fee for {entry.topic.lower()}?\nAnswer: {reply(entry, place)}"
    return about(entry, f"{asked}\n\n{last}")


def options(entry: Entry, place: int) -> str:
    shown = [entry.fee, "7 credits", "no fee at all", "half of the late fee"]
    turned = shown[place % 4 :] + shown[: place % 4]
    listed = "\n".join(f"{'ABCD'[n]}. {one}" for n, one in enumerate(turned))
    return about(
        entry, f"What is the fee?\n{listed}\n\nReply with the letter of the right option only."
    )


def better(entry: Entry, place: int) -> str:
    pair = [reply(entry, 0), reply(entry, 2)]
    first, second = pair if place % 2 else pair[::-1]
    return about(
        entry,
        f"Question: What is the fee?\nAnswer 1: {first}\nAnswer 2: {second}\n\n"
        "Which answer is better? End with one line: Choice: 1 or Choice: 2",
    )


def three(entry: Entry, place: int) -> str:
    shown = "\n".join(f"[{n + 1}] {reply(entry, place + n)}" for n in range(3))
    return about(
        entry,
        f"Question: What is the fee?\n{shown}\n\nRate every answer from 1 (wrong) to 5 (right). "
        "Write one line per answer, such as:\n[1] Score: 2\n[2] Score: 5\n[3] Score: 1",
    )


def judged(entry: Entry, place: int) -> str:
    asked = (
        "What is the fee for it?",
        f"Who examines {entry.topic.lower()}?",
        "What does this say?",
    )
    return (
        f"Question: {asked[place % 3]}\n\n"
        "Can a reader understand this question without any other text (self_contained)? Is it "
        "clear what is asked (clear)? Write two lines:\nself_contained: yes or no\nclear: yes or no"
    )


KINDS = (
    Kind(
        "five_questions",
        {"lines": 5},
        lambda e, _: about(
            e, "Write five questions about this passage, one per line. Write nothing else."
        ),
        120,
    ),
    Kind(
        "numbered_questions",
        {"lines": 3},
        lambda e, _: about(
            e, "Write a numbered list of three questions that this passage answers."
        ),
        100,
    ),
    Kind(
        "topics",
        {"lines": 4, "titles": True},
        lambda e, _: (
            f"List four topics that a course about {e.topic.lower()} should teach. "
            "Write each as: name: description"
        ),
        130,
    ),
    Kind(
        "self_instruct",
        {"lines": 3},
        lambda e, n: (
            f"Task 1: Explain {e.topic.lower()} to a child.\n"
            "Task 2: Write a polite email that declines an invitation.\n"
            f"Task 3: {OLD_TASKS[n % 2]}\n\n"
            "Write three more tasks that are different from these: Task 4, Task 5 and Task 6, "
            "one per line."
        ),
        90,
    ),
    Kind(
        "score_last_line",
        {"score": [1, 5]},
        lambda e, n: rated(
            e,
            n,
            last="How good is this answer, from 1 (useless) to 5 (perfect)? Give a "
            "short reason, then end with one line: Score: n",
        ),
        90,
    ),
    Kind(
        "score_of_ten",
        {"score": [1, 10]},
        lambda e, n: rated(
            e, n, last="Rate this answer on a scale of 1 to 10. Reply with the number only."
        ),
        30,
    ),
    Kind("scores_by_index", {"scores": {"of": 3, "range": [1, 5]}}, three, 60),
    Kind("two_criteria", {"verdict": ["self_contained", "clear"]}, judged, 50),
    Kind(
        "relevant",
        {"verdict": ["relevant"]},
        lambda e, n: rated(
            e,
            n,
            last="Is this answer relevant to the question? Think shortly, then end "
            "with: The final judgement is: Relevant, or: The final judgement is: "
            "Not relevant",
        ),
        80,
    ),
    Kind(
        "yes_or_no",
        {"verdict": ["answered"]},
        lambda e, n: rated(
            e, n, last="Does the answer really answer the question? Reply with yes or no."
        ),
        40,
    ),
    Kind("letter", {"choice": 4}, options, 40),
    Kind("better_of_two", {"choice": 2}, better, 70),
    Kind(
        "json_pair",
        {"json": {"question": "string", "answer": "string"}},
        lambda e, _: about(
            e,
            "Write one question about this passage and its answer, as JSON: "
            '{"question": "...", "answer": "..."}',
        ),
        110,
    ),
    Kind(
        "labelled_pair",
        {"fields": ["question", "answer"]},
        lambda e, _: about(
            e,
            "Write one question about this passage and its answer. Use this form:\n"
            "QUESTION: ...\nANSWER: ...",
        ),
        90,
    ),
    Kind(
        "labelled_pairs",
        {"fields": ["question", "answer"]},
        lambda e, _: about(
            e,
            "Write three questions about this passage and their answers. Use this "
            "form:\nQUESTION 1: ...\nANSWER 1: ...\nQUESTION 2: ...\nANSWER 2: "
            "...\nQUESTION 3: ...\nANSWER 3: ...",
        ),
        150,
    ),
    Kind(
        "evolution",
        "text",
        lambda e, _: (
            "Rewrite this question so that it is harder: add one condition. "
            f"Reply with the new question only.\n\nQuestion: What is the fee for {e.topic.lower()}?"
        ),
        70,
    ),
    Kind(
        "back_translation",
        "text",
        lambda e, _: (
            f"Here is a text:\n{e.line}\n\nWrite the question to which this text is the answer. "
            "Reply with the question only, on one line."
        ),
        60,
    ),
    Kind(
        "out_of_reach",
        "text",
        lambda e, n: (
            f"Open the attached file about {e.topic.lower()} and copy its third page.",
            "Tell me my password.",
            "What is the phone number of the examiner's mother?",
        )[n % 3],
        60,
    ),
    Kind(
        "user_turn",
        "turn",
        lambda _e, _n: f"<|im_start|>system\n{SYSTEM}<|im_end|>\n{USER_HEADER}",
        80,
        1.0,
        True,
    ),
    Kind("user_turn_bare", "turn", lambda _e, _n: USER_HEADER, 80, 1.0, True),
    Kind(
        "score_after_example",
        {"score": [1, 5]},
        lambda e, n: rated(
            e,
            n,
            last="How good is this answer, from 1 (useless) to 5 (perfect)? Give a "
            "short reason, then end with one line: Score: n",
        ),
        70,
        example="The answer names another fee than the passage.\nScore: 2",
    ),
    Kind(
        "scores_after_example",
        {"scores": {"of": 3, "range": [1, 5]}},
        three,
        60,
        example="[1] Score: 5\n[2] Score: 2\n[3] Score: 1",
    ),
    Kind(
        "criteria_after_example",
        {"verdict": ["self_contained", "clear"]},
        judged,
        50,
        example="self_contained: no\nclear: yes",
    ),
    Kind(
        "choice_after_example",
        {"choice": 2},
        better,
        60,
        example="Answer 1 names the fee of the passage.\nChoice: 1",
    ),
    Kind(
        "json_after_example",
        {"json": {"question": "string", "answer": "string"}},
        lambda e, _: about(
            e,
            "Write one question about this passage and its answer, as JSON: "
            '{"question": "...", "answer": "..."}',
        ),
        90,
        example='{"question": "Who decides the case?", "answer": "The examiner that '
        'the section names."}',
    ),
    Kind(
        "pairs_after_example",
        {"fields": ["question", "answer"]},
        lambda e, _: about(e, "Write two questions about this passage and their answers."),
        100,
        example="QUESTION 1: Who decides the case?\nANSWER 1: The examiner that the "
        "section names.\nQUESTION 2: What does it cost?\nANSWER 2: The fee "
        "that the section names.",
    ),
)


def prompts_of(kind: Kind, tokenizer: Any) -> list[str]:
    """Return the prompts of a kind as the model sees them."""
    known = list(entries().values())
    asked = [kind.asks(known[n % len(known)], n) for n in range(EACH)]
    if kind.raw:
        return asked
    head = [{"role": "system", "content": SYSTEM}]
    if kind.example:
        head += [
            {"role": "user", "content": kind.asks(known[-1], 1)},
            {"role": "assistant", "content": kind.example},
        ]
    return [
        tokenizer.apply_chat_template(
            [*head, {"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
        for text in asked
    ]


def answered(model: Any, tokenizer: Any, kind: Kind, seed: int) -> Iterator[Mapping[str, object]]:
    """Yield the answers of the model to one kind of prompt."""
    import torch

    batch = tokenizer(
        prompts_of(kind, tokenizer), return_tensors="pt", padding=True, add_special_tokens=False
    )
    torch.manual_seed(seed)
    with torch.inference_mode():
        made = model.generate(
            **batch, max_new_tokens=kind.max_tokens, do_sample=True, temperature=kind.temperature
        )
    for tokens in made[:, batch["input_ids"].shape[1] :].tolist():
        ended = tokenizer.eos_token_id in tokens
        text = tokenizer.decode(tokens, skip_special_tokens=True)
        yield {
            "kind": kind.name,
            "returns": kind.returns,
            "text": text,
            "finish_reason": "stop" if ended else "length",
        }


def main(arguments: Sequence[str]) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, *names = arguments
    due = [kind.name for kind in KINDS if kind.name in names or not names]
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    kept = [] if due == [kind.name for kind in KINDS] else ANSWERS.read_text("utf-8").splitlines()
    with ANSWERS.open("w", encoding="utf-8") as file:
        for seed, kind in enumerate(KINDS):
            old = [line for line in kept if json.loads(line)["kind"] == kind.name]
            made = answered(model, tokenizer, kind, seed) if kind.name in due else ()
            new = (json.dumps(answer, ensure_ascii=False) for answer in made)
            file.writelines(f"{line}\n" for line in (new if kind.name in due else old))
            print(kind.name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
