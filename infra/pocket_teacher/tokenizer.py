"""The pocket teacher's tokenizer: bytes merged into words on generated text, every digit a token of its own."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from tasks.sources.problems import Problem

PADDING, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
THINK_TAGS = ("<think>", "</think>")
# Punctuation takes the space before a digit with it, so that digits are spelled alike wherever they stand.
SPLITS = r" ?[^\s\w]+ (?=\d)|\d| ?\p{L}+| ?[^\s\w]+|\s+"
# The generation markers make the assistant mask of apply_chat_template; the end of the turn is inside, to be learned.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message.role == 'assistant' -%}{{- '<|im_start|>assistant\n' -}}"
    "{%- generation -%}{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}{{- '\n' -}}"
    "{%- else -%}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


def asked(problem: Problem) -> str:
    """The user's turn as the chat template writes it, up to where the assistant begins."""
    return f"{TURN_START}user\n{problem.prompt}{TURN_END}\n{TURN_START}assistant\n"


def answered(problem: Problem) -> str:
    """The assistant's turn: the worked chain between its tags, the answer, the end of the turn."""
    return f"<think>\n{problem.think}\n</think>\n\n{problem.answer}{TURN_END}"


def learned_merges(problems: Iterable[Problem], *, vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer of exactly that many tokens, learned from the problems' text."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = Sequence(
        [Split(Regex(SPLITS), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=vocabulary - len(THINK_TAGS),
        special_tokens=[PADDING, TURN_START, TURN_END],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (
        f"user\nassistant\n{problem.prompt}\n{problem.think}\n\n{problem.answer}"
        for problem in problems
    )
    tokenizer.train_from_iterator(texts, trainer)
    # Special tokens vanish from served text; the tags must stay, so they are added as plain ones.
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in THINK_TAGS])
    return tokenizer


def build_tokenizer(problems: Iterable[Problem], *, vocabulary: int) -> PreTrainedTokenizerFast:
    """The tokenizer with its chat template, ready to be saved beside the weights."""
    wrapped: PreTrainedTokenizerFast = PreTrainedTokenizerFast(
        tokenizer_object=learned_merges(problems, vocabulary=vocabulary),
        eos_token=TURN_END,
        pad_token=PADDING,
        extra_special_tokens=[TURN_START],
        model_max_length=1024,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer saved in a model folder."""
    loaded: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return loaded
