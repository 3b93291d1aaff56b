"""A given text gets the same log-probabilities from every scorer, whatever else is scored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks import rows, think
from tasks.errors import BadRecipe
from tasks.inference.alone import score_with_transformers
from tasks.inference.chat import prompt_tokens
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.models import POCKET
from tasks.inference.score import score, scores_table
from tasks.inference.scoring import (
    NO_TOKENS,
    TOO_LONG,
    Scored,
    Text,
    text_tokens,
)
from tasks.inference.warm import WARM
from tasks.sources.problems import FAMILIES, draw
from tests.support.answer_server import answering
from tests.support.vllm_server import NAME, serving

NATS = 1e-3
TOP = 5
PLACEMENT = EnginePlacement(window=8, kv_cache_gib=1)


def text(number: int, *, top: int = TOP) -> Text:
    problem = draw(sorted(FAMILIES)[number % len(FAMILIES)], number)
    asked = ({"role": "user", "content": problem.prompt},)
    said = think.join(problem.think + " Zebra quartz!" * (number % 3), problem.answer)
    return Text(f"t{number}", asked, said, top=top)


TEXTS = [text(number) for number in range(24)]
LONG = Text("long", TEXTS[0].messages, TEXTS[0].text + " one two three" * 500)
EMPTY = Text("empty", TEXTS[0].messages, "")
RAW = Text("raw", (), " world", top=1, prompt="hello")


@pytest.fixture(scope="module")
def pocket() -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(POCKET, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(POCKET)


def alone(pocket: tuple[Any, Any], one: Text) -> Scored:
    model, tokenizer = pocket
    return score_with_transformers(model, text_tokens(tokenizer, one), one)


def agree(found: Scored, due: Scored) -> None:
    assert (found.key, found.prompt_tokens, found.fault) == (due.key, due.prompt_tokens, "")
    assert found.ids.tolist() == due.ids.tolist()
    assert found.ends.tolist() == due.ends.tolist()
    assert np.abs(found.nats - due.nats).max() < NATS
    assert found.top_nats.shape == due.top_nats.shape == (len(due.ids), due.top_nats.shape[1])
    assert np.abs(found.top_nats - due.top_nats).max() < NATS


def test_log_probabilities_of_every_next_token_sum_to_one(pocket: tuple[Any, Any]) -> None:
    found = alone(pocket, text(3, top=2048))
    assert np.allclose(np.exp(found.top_nats.astype(float)).sum(axis=1), 1, atol=1e-5)


def test_a_token_scores_what_the_model_gives_it_among_all_others(pocket: tuple[Any, Any]) -> None:
    found = alone(pocket, text(3, top=2048))
    places = (found.top_ids == found.ids[:, None]).argmax(axis=1)
    assert np.array_equal(found.top_nats[np.arange(len(places)), places], found.nats)


def test_a_likely_text_scores_above_the_same_words_in_disorder(pocket: tuple[Any, Any]) -> None:
    one = text(3)
    shuffled = one._replace(text=" ".join(reversed(one.text.split())))
    assert alone(pocket, one).nats.mean() > alone(pocket, shuffled).nats.mean() + 1


def test_the_prompt_stands_before_the_text_as_an_engine_is_asked(pocket: tuple[Any, Any]) -> None:
    _, tokenizer = pocket
    tokens = text_tokens(tokenizer, TEXTS[0])
    assert tokens.prompt == prompt_tokens(tokenizer, TEXTS[0].messages)
    assert tokenizer.decode(tokens.text) == TEXTS[0].text


def test_the_ends_of_tokens_count_characters_of_the_text(pocket: tuple[Any, Any]) -> None:
    one = TEXTS[0]._replace(text="<think>\nStraße 12: ☃ 40\n</think>\n\n52")
    found = alone(pocket, one)
    assert found.ends[-1] == len(one.text)
    assert "Straße 12" in (one.text[:end][-9:] for end in found.ends)


def test_a_text_without_tokens_has_a_fault_and_no_numbers(pocket: tuple[Any, Any]) -> None:
    found = alone(pocket, EMPTY)
    assert (found.fault, len(found.nats)) == (NO_TOKENS, 0)


def test_a_model_that_is_scripted_cannot_score(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="cannot score"):
        scores(TeacherSpec(engine="scripted"), tmp_path, [TEXTS[0]])


def test_a_server_that_offers_no_log_probabilities_is_named(tmp_path: Path) -> None:
    with answering() as server:
        placement = PLACEMENT.model_copy(update={"base_url": server.base_url})
        with pytest.raises(BadRecipe, match="cannot score a text: no /tokenize"):
            score(
                TEXTS[:1],
                TeacherSpec(engine="endpoint", model=NAME),
                placement=placement,
                folder=tmp_path,
                progress=lambda **counts: None,
            )


def scores(teacher: TeacherSpec, folder: Path, texts: list[Text]) -> list[Scored]:
    return score(texts, teacher, placement=PLACEMENT, folder=folder, progress=lambda **counts: None)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Scored]]]:
    folder = tmp_path_factory.mktemp("scores")
    with WARM:
        yield folder, scores(TeacherSpec(), folder, [*TEXTS, LONG, EMPTY, RAW])


@pytest.mark.vllm
def test_an_engine_in_process_scores_as_transformers_does(
    in_process: tuple[Path, list[Scored]], pocket: tuple[Any, Any]
) -> None:
    _, found = in_process
    for one, given in zip(TEXTS, found, strict=False):
        agree(given, alone(pocket, one))
    long, empty, raw = found[-3:]
    assert (long.fault, empty.fault) == (TOO_LONG, NO_TOKENS)
    agree(raw, alone(pocket, RAW))


@pytest.mark.vllm
def test_a_text_scores_the_same_alone_and_among_others(
    in_process: tuple[Path, list[Scored]], tmp_path: Path
) -> None:
    _, together = in_process
    for place in (0, 11):
        (single,) = scores(TeacherSpec(), tmp_path / str(place), [TEXTS[place]])
        agree(single, together[place])


@pytest.mark.vllm
def test_what_was_scored_is_kept_and_makes_a_table(
    in_process: tuple[Path, list[Scored]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = in_process
    monkeypatch.setattr(WARM, "score", None)
    made = scores_table(
        [*TEXTS, LONG],
        TeacherSpec(),
        placement=PLACEMENT,
        folder=folder,
        progress=lambda **counts: None,
    )
    table = made.parts["scores"]
    assert table.schema == rows.SCORES
    assert table["text_id"].to_pylist() == [one.key for one in TEXTS]
    assert table["nats"][4].as_py() == found[4].nats.tolist()
    assert table["top_nats"][4].as_py() == found[4].top_nats.ravel().tolist()
    assert made.rejected["reason"].to_pylist() == [TOO_LONG]


@pytest.mark.vllm
def test_a_real_server_scores_as_transformers_does(tmp_path: Path, pocket: tuple[Any, Any]) -> None:
    with serving(tmp_path, ("--dtype", "float32")) as (base_url,):
        teacher = TeacherSpec(engine="endpoint", model=NAME)
        placement = PLACEMENT.model_copy(update={"base_url": base_url})
        found = score(
            [*TEXTS, LONG, RAW],
            teacher,
            placement=placement,
            folder=tmp_path / "scores",
            progress=lambda **counts: None,
        )
    WARM.release()
    for one, given in zip([*TEXTS], found, strict=False):
        agree(given, alone(pocket, one))
    assert found[-2].fault == TOO_LONG
    agree(found[-1], alone(pocket, RAW))
