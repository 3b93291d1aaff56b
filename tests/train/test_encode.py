import pyarrow as pa
import pytest

from tasks import rows, think
from tasks.errors import RenderBroken
from tasks.train.encode import Example, Template, encode, faults
from tasks.train.examples import EncodeSpec, StudentSpec, encode_corpus, examples, load_template
from tests.support.tokenizers_of import FAMILIES, GPT_OSS, QWEN3, R1, Shape, shaped, trained

THOUGHT, ANSWER = (
    "I look for the fee. Section 214 says 40 credits.",
    "The fee is 40 credits. [Section 214]",
)
ASKED = {"role": "user", "content": "What is the fee for late fees?"}
SPEC = EncodeSpec(max_length=256)
NO_SYSTEM = {"gemma2", "mistral", "command r7b"}
"""Families whose template refuses a system message, or reads it as another turn."""


def conversation(thought: str = THOUGHT, answer: str = ANSWER) -> list[dict[str, str]]:
    return [ASKED, {"role": "assistant", "content": think.join(thought, answer)}]


def corpus(*conversations: list[dict[str, str]]) -> dict[str, pa.Table]:
    made = [
        {"row_id": f"row{number:04d}", "messages": one} for number, one in enumerate(conversations)
    ]
    return {"train": pa.Table.from_pylist(made)}


def pocket() -> Template:
    return load_template(StudentSpec())


def text(template: Template, example: Example) -> tuple[str, str]:
    """Return what is read, and what is learnt."""
    ids = list(example.input_ids)
    return template.tokenizer.decode(ids[: example.learnt_from]), template.tokenizer.decode(
        ids[example.learnt_from :]
    )


def test_the_pocket_students_ids_are_those_its_template_renders_and_its_turn_with_its_end_is_learnt() -> (
    None
):
    template = pocket()
    example = encode("r", conversation(), template)
    whole = template.tokenizer.apply_chat_template(conversation(), tokenize=True, return_dict=False)
    newline = template.tokenizer("\n", add_special_tokens=False)["input_ids"]
    assert [*example.input_ids, *newline] == list(whole)
    assert text(template, example)[1] == f"{think.join(THOUGHT, ANSWER)}<|im_end|>"
    assert example.loss_mask == [False] * example.learnt_from + [True] * (
        len(example.input_ids) - example.learnt_from
    )
    assert faults(example, template) == []


@pytest.mark.parametrize(
    ("shape", "read", "learnt"),
    [
        (R1, "<｜Assistant｜><think>\n", f"{THOUGHT}\n</think>\n\n{ANSWER}<｜end▁of▁sentence｜>"),
        (QWEN3, "<|im_start|>assistant\n", f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}<|im_end|>"),
        (
            GPT_OSS,
            "<|start|>assistant",
            f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>",
        ),
    ],
    ids=[
        "r1 prefills the tag and drops the thought as history",
        "qwen3 rewrites history",
        "gpt-oss speaks in channels",
    ],
)
def test_what_is_learnt_is_what_the_model_itself_would_write(
    shape: Shape, read: str, learnt: str
) -> None:
    template = shaped(shape)
    example = encode("r", conversation(), template)
    assert text(template, example)[0].endswith(read)
    assert text(template, example)[1] == learnt
    assert faults(example, template) == []


def test_an_earlier_turn_whose_thought_the_template_drops_does_not_disturb_the_last_one() -> None:
    template = shaped(QWEN3)
    turns = [*conversation("An earlier thought.", "Earlier."), ASKED, conversation()[-1]]
    example = encode("r", turns, template)
    read, learnt = text(template, example)
    assert "An earlier thought" not in read
    assert learnt.startswith(f"<think>\n{THOUGHT}")
    assert faults(example, template) == []


@pytest.mark.parametrize("name", FAMILIES)
def test_the_render_check_passes_the_template_of_every_family_and_nothing_ends_twice(
    name: str,
) -> None:
    template = trained(name)
    for turns in (
        conversation(),
        [{"role": "system", "content": "Be brief."}, *conversation()],
        [*conversation("Earlier.", "So."), *conversation()],
    ):
        if turns[0]["role"] == "system" and name in NO_SYSTEM:
            continue
        example = encode("r", turns, template)
        assert faults(example, template) == []
        learnt = text(template, example)[1]
        assert learnt.count(THOUGHT) == learnt.count(ANSWER) == 1
        ends = [one for one in example.learnt if one in template.ends]
        assert ends == [example.learnt[-1]]
        assert example.learnt[-1] in template.stops


@pytest.mark.parametrize("name", [name for name, one in FAMILIES.items() if one.shape[2]])
def test_two_beginnings_are_a_fault_of_any_family_and_one_in_every_turn_is_none(
    name: str,
) -> None:
    template = trained(name)
    one = encode("r", conversation(), template)
    assert template.bos is not None
    turned = (template.bos, *one.input_ids[1:9], template.bos, *one.input_ids[9:])
    twice = (template.bos, template.bos, *one.input_ids)
    for ids, found in ((turned, False), (twice, True)):
        spoilt = Example(**vars(one) | {"input_ids": ids, "learnt_from": one.learnt_from + 1})
        assert ("bos_twice" in faults(spoilt, template)) is found


DROPS = "{% for m in messages %}{{ m.role + ': ' + m.content.split('</think>')[-1] }}{% endfor %}{% if add_generation_prompt %}me: {% endif %}"
TWICE = "{{ bos_token + bos_token }}{% for m in messages %}{{ m.role + m.content }}{% endfor %}{% if add_generation_prompt %}assistant{% endif %}"


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (shaped(QWEN3, stops=("<|endoftext|>",)), "eos_not_stopping"),
        (shaped(R1, template=TWICE), "bos_twice"),
        (pocket(), None),
        (shaped(QWEN3, template=DROPS), None),
    ],
    ids=[
        "another token ends generation",
        "two beginnings",
        "sound",
        "a template that drops the thought is written out",
    ],
)
def test_a_template_at_fault_is_named(template: Template, fault: str | None) -> None:
    assert faults(encode("r", conversation(), template), template) == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda one, ids: ids[:-1], "no_eos"),
        (lambda one, ids: (*ids, ids[-1]), "eos_in_text"),
        (lambda one, ids: (*ids[: one.learnt_from], *ids[one.learnt_from + 4 :]), "think_lost"),
    ],
)
def test_ids_at_fault_are_named(change: object, fault: str) -> None:
    template = pocket()
    one = encode("r", conversation(), template)
    spoilt = Example(**vars(one) | {"input_ids": change(one, one.input_ids)})  # type: ignore[operator]
    assert fault in faults(spoilt, template)


def test_a_prompt_in_the_loss_is_named() -> None:
    template = pocket()
    assert "prompt_in_loss" in faults(
        Example(**vars(encode("r", conversation(), template)) | {"learnt_from": 0}), template
    )


def test_one_row_with_an_end_inside_its_text_is_rejected_and_the_others_are_kept() -> None:
    made = corpus(
        *[conversation(f"{THOUGHT} {number}") for number in range(199)],
        conversation("I stop<|im_end|>here."),
    )
    table = examples(encode_corpus(made, pocket(), SPEC), SPEC)
    assert table.rejected.to_pylist() == [
        {"row_id": "row0199", "reason": "eos_in_text", "detail": "", "parent_id": ""}
    ]
    assert table.parts["train"].schema == rows.EXAMPLES
    assert table.parts["train"].num_rows == 199


def test_a_fault_of_the_template_ends_the_run_and_says_what_it_would_have_cost() -> None:
    made = corpus(*[conversation(f"{THOUGHT} {number}") for number in range(20)])
    broken = shaped(QWEN3, stops=("<|endoftext|>",))
    with pytest.raises(
        RenderBroken,
        match="eos_not_stopping in 20 of 20 rows: examples end with a token at which generation does not stop",
    ):
        examples(encode_corpus(made, broken, SPEC), SPEC)


def test_rows_too_long_are_left_out_whole_and_too_many_of_them_end_the_run() -> None:
    long, short = (
        conversation(THOUGHT * 30),
        [conversation(f"{THOUGHT} {number}") for number in range(39)],
    )
    table = examples(encode_corpus(corpus(long, *short), pocket(), SPEC), SPEC)
    assert table.rejected["reason"].to_pylist() == ["too_long"]
    with pytest.raises(RenderBroken, match="too_long in 3 of 42 rows"):
        examples(encode_corpus(corpus(long, long, long, *short), pocket(), SPEC), SPEC)


def test_the_check_shows_broken_rows_first_and_where_the_loss_lies() -> None:
    made = encode_corpus(
        corpus(conversation(), conversation("I stop<|im_end|>here.")), pocket(), SPEC
    )
    first, second = made.check
    assert (first["fault"], second["fault"]) == ("eos_in_text", "")
    assert str(second["prompt ends"]).endswith("<|im_start|>assistant\n")
    assert str(second["learnt begins"]).startswith("<think>")
    assert str(second["learnt ends"]).endswith("[Section 214]<|im_end|>")
    assert second["last ids"][-1] == second["eos"]  # type: ignore[index]
