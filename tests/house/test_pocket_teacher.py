from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from infra.pocket_teacher import train as training
from infra.pocket_teacher.mixture import LENGTHS, SHARES, batches, examples, training_problems
from infra.pocket_teacher.model import Pocket, Shape, stock_model
from infra.pocket_teacher.tokenizer import answered, asked, load_tokenizer
from tasks import think
from tasks.sources.problems import FAMILIES, draw

SHIPPED = Path(__file__).parents[2] / "tasks" / "inference" / "pocket"
TINY = Shape(vocabulary=700, width=32, hidden=64, layers=2, heads=2, key_heads=1, head_width=16)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return load_tokenizer(SHIPPED)


def test_shipped_files_are_the_ones_that_were_measured() -> None:
    lines = [line.split("  ") for line in (SHIPPED / "SHA256SUMS").read_text().splitlines()]
    assert {path.name for path in SHIPPED.iterdir()} == {"SHA256SUMS", *(name for _, name in lines)}
    for digest, name in lines:
        assert sha256((SHIPPED / name).read_bytes()).hexdigest() == digest, name


def test_the_shipped_model_is_small_and_readable() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 12 * 2**20
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in SHIPPED.iterdir())


@pytest.mark.parametrize("family", SHARES)
def test_text_survives_the_tokenizer(family: str, tokenizer: PreTrainedTokenizerFast) -> None:
    for seed in range(20):
        text = asked(draw(family, seed)) + answered(draw(family, seed))
        tokens = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(tokens) == text
        assert len(tokens) <= LENGTHS[-1] + 1


def test_think_tags_stay_when_special_tokens_are_dropped(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    text = answered(draw("gcd", 3))
    shown = tokenizer.decode(
        tokenizer.encode(text, add_special_tokens=False), skip_special_tokens=True
    )
    assert isinstance(shown, str) and shown + "<|im_end|>" == text
    assert think.split(shown).fault is None


def test_the_chat_template_writes_what_training_read(tokenizer: PreTrainedTokenizerFast) -> None:
    problem = draw("date", 2)
    turns = [
        {"role": "user", "content": problem.prompt},
        {"role": "assistant", "content": think.join(problem.think, problem.answer)},
    ]
    assert (
        tokenizer.apply_chat_template(turns, tokenize=False)
        == asked(problem) + answered(problem) + "\n"
    )
    assert tokenizer.apply_chat_template(
        turns[:1], tokenize=False, add_generation_prompt=True
    ) == asked(problem)


def test_the_last_learned_token_is_the_end_of_the_turn(tokenizer: PreTrainedTokenizerFast) -> None:
    problem = draw("irac", 2)
    turns = [
        {"role": "user", "content": problem.prompt},
        {"role": "assistant", "content": think.join(problem.think, problem.answer)},
    ]
    marked = tokenizer.apply_chat_template(
        turns, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    learned = [
        token
        for token, mask in zip(marked["input_ids"], marked["assistant_masks"], strict=True)
        if mask
    ]
    assert tokenizer.decode(learned) == answered(problem)


def test_the_mixture_holds_every_family_and_repeats_for_a_seed() -> None:
    drawn = list(islice(training_problems(3), 400))
    assert {problem.family for problem in drawn} == set(SHARES) <= set(FAMILIES)
    assert drawn == list(islice(training_problems(3), 400))


def test_batches_weigh_answers_fully_and_padding_not_at_all(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    for example in islice(examples(tokenizer.backend_tokenizer, training_problems(3)), 50):
        assert len(example.tokens) == len(example.weights) + 1 and len(example.weights) in LENGTHS
        padding = example.tokens.count(tokenizer.pad_token_id)
        assert example.weights.count(0.0) == padding
        end = len(example.weights) - padding
        assert example.weights[end - 1] == 1.0 and example.tokens[end] == tokenizer.eos_token_id


def test_the_exported_model_computes_what_the_lean_one_learned(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    torch.manual_seed(0)
    shape = Shape(
        vocabulary=len(tokenizer),
        width=32,
        hidden=64,
        layers=2,
        heads=2,
        key_heads=1,
        head_width=16,
    )
    model = Pocket(shape)
    batch = next(batches(tokenizer.backend_tokenizer, training_problems(1), tokens=256))
    with torch.no_grad():
        logits = stock_model(model, padding=0, end=2)(input_ids=batch.tokens).logits
        losses = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), batch.targets.flatten(), reduction="none"
        )
        weights = batch.weights.flatten()
        assert torch.isclose((losses * weights).sum() / weights.sum(), model(*batch), rtol=1e-4)


def test_a_short_training_lowers_the_loss_and_leaves_a_loadable_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MERGE_PROBLEMS", 300)
    run = training.Run(steps=12, batch_tokens=512, warmup_steps=1, shape=TINY)
    first = training.train(
        training.Run(steps=1, batch_tokens=512, warmup_steps=1, shape=TINY),
        out=tmp_path / "one",
        compiled=False,
    )
    progress = training.train(run, out=tmp_path / "model", compiled=False)
    assert progress.step == 12 and progress.loss < first.loss
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert (
        model.config.model_type == "qwen3"
        and len(AutoTokenizer.from_pretrained(tmp_path / "model")) == TINY.vocabulary
    )
    assert not list(tmp_path.glob("*.writing"))
