"""What a model weighs and reads, what memory allows, and how much of it an engine may take:
hand-computed.
"""

import json
import mmap
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.memory import Device, Memory, devices, gpus, host_memory, memory_share
from tasks.inference.models import POCKET
from tasks.measure.machine import (
    BANDWIDTHS,
    Machine,
    engine_settings,
    host_bandwidth,
    machine_name,
    machine_of,
    roofline,
    unfit,
)
from tasks.measure.peak import Peak, used_bytes
from tasks.measure.shape import bytes_per_weight, kv_bytes, shape, shape_of, step_bytes

GIB = 2**30
SCRIPTED, POCKET_TEACHER = TeacherSpec(engine="scripted"), TeacherSpec()
NVFP4 = {"quant_method": "modelopt", "quant_algo": "NVFP4"}
LLAMA_70B: dict[str, Any] = {
    "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672,
    "vocab_size": 128256, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "hidden_act": "silu",
}  # fmt: skip
MOE: dict[str, Any] = {
    "hidden_size": 100, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 10, "intermediate_size": 300,
    "moe_intermediate_size": 50, "num_experts": 8, "num_experts_per_tok": 2, "vocab_size": 1000, "tie_word_embeddings": True,
}  # fmt: skip
SPARK = Device("NVIDIA GB10", True, Memory(120 * GIB, 110 * GIB, True))


def test_a_dense_70b_in_nvfp4_reaches_on_a_spark_what_its_owners_computed() -> None:
    """6.7 tokens/s for a single stream at 273 GB/s: NVIDIA/dgx-spark-playbooks, issue 79."""
    model = shape(LLAMA_70B | {"quantization_config": NVFP4})
    assert model is not None
    layer = 8192 * (64 + 8 + 8) * 128 + 64 * 128 * 8192 + 3 * 8192 * 28672
    table = 2 * 128256 * 8192
    assert model.weights == 0.5625 * 80 * layer + 2 * table
    assert model.lookup == table
    spark = Machine("NVIDIA GB10", True, BANDWIDTHS["NVIDIA GB10"])
    assert roofline(spark, model, EnginePlacement(), rows=1, context=0) == pytest.approx(
        6.7, abs=0.05
    )


@pytest.mark.parametrize(
    ("quantization", "each"),
    [
        ({}, 2),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 1),
        (NVFP4, 0.5625),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "nvfp4-pack-quantized",
                "config_groups": {
                    "group_0": {"weights": {"num_bits": 4, "type": "float", "group_size": 16}}
                },
            },
            0.5625,
        ),
        ({"quant_method": "mxfp4"}, 0.53125),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 0.515625),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, 1),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            1,
        ),
    ],
)
def test_a_weight_takes_its_bits_and_its_part_of_a_scale(
    quantization: dict[str, Any], each: float
) -> None:
    assert bytes_per_weight(quantization) == each


def test_the_pocket_teacher_weighs_what_its_file_weighs_by_config_alone_and_with_the_file() -> None:
    config, stored = (
        json.loads((POCKET / "config.json").read_bytes()),
        (POCKET / "model.safetensors").stat().st_size,
    )
    counted, seen = shape(config), shape_of(POCKET_TEACHER)
    assert counted and seen and seen.weights == stored
    assert counted.weights == pytest.approx(stored, rel=0.01)
    assert (counted.kv, counted.layers, counted.lookup) == (2 * 2 * 32 * 2, 6, 0)


def test_grouped_heads_windows_latents_and_hybrids_have_the_kv_of_their_own_layers() -> None:
    def kv(changes: dict[str, Any], context: float = 1000) -> float:
        model = shape(LLAMA_70B | changes, stored=10**10)
        assert model is not None
        return kv_bytes(model, context)

    one = 2 * 8 * 128 * 2
    assert kv({}) == 80 * one * 1000
    assert kv({"num_key_value_heads": 64}) == 8 * kv({})
    assert kv(
        {"layer_types": ["full_attention", "sliding_attention"] * 40, "sliding_window": 128}
    ) == 40 * one * (1000 + 128)
    assert kv({"layer_types": ["linear_attention", "full_attention"] * 40}) == 40 * one * 1000
    assert kv({"hybrid_override_pattern": "M-M*" * 20}) == 20 * one * 1000
    assert kv({"kv_lora_rank": 512, "qk_rope_head_dim": 64}) == 80 * 2 * 576 * 1000
    assert kv({"quantization_config": NVFP4 | {"kv_cache_scheme": {"num_bits": 8}}}) == kv({}) / 2
    pruned = [{"attention": {"n_heads_in_group": 8}}] * 50 + [{"attention": {"no_op": True}}] * 30
    assert kv({"num_key_value_heads": None, "block_configs": pruned}) == 50 * one * 1000


def test_a_hybrid_is_weighed_by_its_files_or_not_at_all() -> None:
    hybrid = LLAMA_70B | {"hybrid_override_pattern": "M*"}
    assert shape(hybrid) is None
    weighed = shape(hybrid, stored=18 * 10**9)
    assert weighed is not None and weighed.weights == 18 * 10**9


def test_weights_stored_in_fp32_are_loaded_at_half_their_size() -> None:
    stored = shape(LLAMA_70B | {"torch_dtype": "float32"}, stored=280 * 10**9)
    assert stored is not None and stored.weights == 140 * 10**9


def test_of_experts_a_step_reads_those_that_its_rows_wake() -> None:
    model = shape(MOE)
    assert model is not None
    experts = 2 * 8 * 3 * 100 * 50 * 2
    rest = 2 * (2 * (100 * (8 + 4) * 10 + 100 * 8) + 1000 * 100)
    assert (model.experts, model.weights, model.expert_share) == (experts, experts + rest, 0.25)
    assert step_bytes(model, 1, 0) == pytest.approx(rest + experts / 4)
    assert step_bytes(model, 2, 0) == pytest.approx(rest + experts * (1 - 0.75**2))
    assert step_bytes(model, 64, 0) == pytest.approx(rest + experts, rel=1e-6)


@given(st.integers(1, 512), st.integers(0, 100_000))
def test_more_rows_in_flight_are_never_slower_and_longer_contexts_never_faster(
    flight: int, context: int
) -> None:
    model, spark = shape(LLAMA_70B), Machine("", True, 273e9)

    def at(many: int, long: int) -> float:
        return roofline(spark, model, EnginePlacement(), rows=many, context=long)

    assert at(flight + 1, context) >= at(flight, context) >= at(flight, context + 1)


def test_gpus_add_up_and_replicas_share_a_cpu_but_not_their_gpus() -> None:
    model, gpu, cpu = shape(LLAMA_70B), Machine("", True, 1e12), Machine("", False, 1e12)

    def at(machine: Machine, many: int = 8, **placement: int) -> float:
        return roofline(machine, model, EnginePlacement(**placement), rows=many, context=500)  # type: ignore[arg-type]

    assert at(gpu, tensor_parallel=2) == pytest.approx(2 * at(gpu))
    assert at(gpu, 16, replicas=2) == pytest.approx(2 * at(gpu, 8))
    assert at(cpu, 16, replicas=2) == pytest.approx(at(cpu, 8))
    assert roofline(gpu, None, EnginePlacement(), rows=8, context=500) == 0


def test_a_spark_tells_of_no_memory_of_its_own_and_is_read_from_the_host() -> None:
    host = Memory(120 * GIB, 100 * GIB, True)
    assert gpus("NVIDIA GB10, [N/A], [N/A]\n", host) == [Device("NVIDIA GB10", True, host)]
    assert gpus("NVIDIA H200, 143771, 143000\n", host) == [
        Device("NVIDIA H200", True, Memory(143771 * 2**20, 143000 * 2**20, False))
    ]
    assert gpus("", host) == []


@pytest.mark.parametrize(
    ("free", "unified", "wanted", "share"),
    [
        (120, True, 0.85, 0.85),
        (120, True, 1.0, 0.85),
        (110, True, 0.92, 0.85),
        (60, True, 0.85, 0.45),
        (60, True, 0.3, 0.3),
        (3, True, 0.85, 0),
        (119, False, 0.85, 0.85),
        (120, False, 1.0, 0.99),
        (60, False, 0.85, 0.49),
        (0, False, 0.85, 0),
    ],
)
def test_an_engine_takes_what_is_free_less_a_reserve_and_on_unified_memory_leaves_room_for_the_desktop(
    free: int, unified: bool, wanted: float, share: float
) -> None:
    assert memory_share(Memory(120 * GIB, free * GIB, unified), wanted) == share


@given(st.integers(0, 1000), st.floats(0.01, 1), st.booleans())
def test_no_share_is_more_than_wanted_or_than_is_free(
    free: int, wanted: float, unified: bool
) -> None:
    share = memory_share(Memory(1000, free, unified), wanted)
    assert 0 <= share <= min(wanted, max(0.0, free / 1000)) + 1e-9
    assert share <= 0.85 or not unified


def test_a_model_that_does_not_fit_is_told_in_numbers() -> None:
    model, teacher = shape(LLAMA_70B), TeacherSpec(max_model_len=16384)
    quarter = shape(LLAMA_70B | {"quantization_config": NVFP4})
    assert unfit(teacher, quarter, EnginePlacement(), SPARK, 0.85) == ""
    told = unfit(teacher, model, EnginePlacement(), SPARK, 0.85)
    assert told == (
        "not started: weights of 131.4 GiB and a KV cache of 5.0 GiB do not fit into the 102.0 GiB that an engine may take "
        "(110.0 of 120.0 GiB are free)"
    )
    assert unfit(teacher, model, EnginePlacement(tensor_parallel=2), SPARK, 0.85) == ""
    assert unfit(teacher, None, EnginePlacement(), SPARK, 0.0) == ""
    cpu = Device("a CPU", False, Memory(8 * GIB, 4 * GIB, True))
    assert "KV cache of 6.0 GiB" in unfit(
        POCKET_TEACHER, shape_of(POCKET_TEACHER), EnginePlacement(kv_cache_gib=6), cpu, 0.45
    )


def test_this_machine_is_known_and_its_memory_is_read_at_a_plausible_speed() -> None:
    (seen, *_), host = devices(), host_memory()
    assert 0 < host.free < host.total
    assert seen.name and seen.memory.total > 0
    assert 1e8 < host_bandwidth() < 1e13
    assert machine_of(SCRIPTED, EnginePlacement()).bandwidth == 0


def test_the_place_and_the_settings_of_a_measurement_name_what_changes_speed() -> None:
    remote, address = TeacherSpec(engine="endpoint", model="m"), "http://127.0.0.1:9/v1"
    assert machine_name(remote, EnginePlacement(base_url=address)) == "endpoint 127.0.0.1:9"
    assert engine_settings(SCRIPTED, EnginePlacement()) == engine_settings(
        SCRIPTED, EnginePlacement(attempts=2, base_url=address)
    )
    assert engine_settings(SCRIPTED, EnginePlacement()) != engine_settings(
        SCRIPTED, EnginePlacement(window=3)
    )
    assert engine_settings(remote, EnginePlacement()) != engine_settings(
        remote, EnginePlacement(base_url=address)
    )


def test_memory_taken_meanwhile_is_seen() -> None:
    readings = iter([5, 9, 3, 2])
    peak = Peak(lambda: next(readings))
    peak.look()
    assert (peak.take(), peak.take()) == (9, 3)
    before = used_bytes()
    with mmap.mmap(-1, 2**26) as held:  # fresh pages: the heap may have as many to spare
        held.write(os.urandom(2**26))
        assert used_bytes() - before > 0.9 * len(held) or devices()[0].gpu
