"""A model's tokenizer and weights as transformers loads them, from a folder or from the hub."""

from typing import Any, Protocol

from tasks.inference.models import quiet_transformers, resolve


class Weights(Protocol):
    """Which weights: a teacher or a student."""

    @property
    def model(self) -> str:
        """A model folder, a hub name, or builtin:pocket."""

    @property
    def revision(self) -> str:
        """Hub revision, "" for the newest."""

    @property
    def trust_remote_code(self) -> bool:
        """Whether code from the model's repository may run."""


def load_tokenizer(weights: Weights) -> Any:
    """Return the tokenizer of a model."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve(weights.model), **_source(weights))


def load_model(weights: Weights, *, half: bool, **options: Any) -> Any:
    """Return a causal language model, on the GPU if there is one.

    half: bfloat16 instead of float32. options: further options of `from_pretrained`.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import is_torch_cuda_available

    quiet_transformers()
    model = AutoModelForCausalLM.from_pretrained(
        resolve(weights.model),
        use_safetensors=True,
        dtype="bfloat16" if half else "float32",
        **_source(weights),
        **options,
    )
    return model.to("cuda" if is_torch_cuda_available() else "cpu")


def _source(weights: Weights) -> dict[str, Any]:
    return {"revision": weights.revision or None, "trust_remote_code": weights.trust_remote_code}
