"""The corpus as a whole, held to expectations: a Great Expectations suite made from the Spec."""

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tasks.corpus.data_docs import take_offline
from tasks.errors import SuiteFailed
from tasks.spec import Spec

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NAMED_ROWS = 5
HINTS = {
    "expect_column_distinct_values_to_contain_set": (
        " (a family lacks rows in this split: its rows share documents or texts; give it more, or set "
        "corpus.suite.family_missing=warn)"
    )
}
"""What to do, behind the expectations whose names do not say it."""


class SuiteSpec(Spec):
    """What the corpus must be, or the run fails."""

    min_rows: int = Field(1, ge=1)
    """Rows at least."""
    general_min: float = Field(0.0, ge=0, le=1)
    """General-reasoning rows at least, as a share; 0.10 keeps a student from forgetting."""
    general_max: float = Field(0.15, ge=0, le=1)
    """And at most; what is above it is left out before the check."""
    verified_min: float = Field(0.0, ge=0, le=1)
    """Share of rows whose answer was checked against a known one, at least."""
    checked: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Gate → share of the rows in which it must have checked something, for example
    {quotations: 0.3}; a gate that had nothing to check in a row says so."""
    think_min: int = Field(1, ge=0)
    """Characters of every think block, at least."""
    think_max: int = Field(20_000, ge=1)
    """Characters of every think block, at most."""
    family_missing: Literal["fail", "warn"] = "fail"
    """A family without a row in one of the splits fails the run, or is said in the log and the
    card.
    """


def checked_column(gate: str) -> str:
    """Return the column that says in which rows a gate checked something."""
    return f"checked: {gate}"


def expectations(spec: SuiteSpec, families: list[str], splits: list[str]) -> list[Any]:
    """Return the suite's expectations as a function of the Spec. splits: those that are not empty."""
    import great_expectations.expectations as gxe

    texts = ("row_id", "prompt", "think", "answer", "family")
    each = [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in texts]
    filled = [
        gxe.ExpectColumnValuesToMatchRegex(column=name, regex=r"\S")
        for name in ("prompt", "think", "answer")
    ]
    untagged = [
        gxe.ExpectColumnValuesToNotMatchRegex(column=name, regex=r"</?think>")
        for name in ("think", "answer")
    ]
    clean = [
        gxe.ExpectColumnValuesToNotMatchRegex(column=name, regex=r"canary-[0-9a-f]{16}|\ufffd")
        for name in ("prompt", "think", "answer")
    ]
    whole = (
        [] if spec.family_missing == "warn" else [_every_family(one, families) for one in splits]
    )
    floors = [
        gxe.ExpectColumnMeanToBeBetween(column=checked_column(gate), min_value=share)
        for gate, share in spec.checked.items()
    ]
    return [
        *floors, *each, *whole, *filled, *untagged, *clean,
        gxe.ExpectTableRowCountToBeBetween(min_value=spec.min_rows),
        gxe.ExpectColumnValuesToBeUnique(column="row_id"),
        gxe.ExpectColumnValuesToBeUnique(column="prompt"),
        gxe.ExpectColumnValuesToBeInSet(column="family", value_set=families),
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=["train", "validation"]),
        gxe.ExpectColumnValueLengthsToBeBetween(column="think", min_value=spec.think_min, max_value=spec.think_max),
        gxe.ExpectColumnMeanToBeBetween(column="general", min_value=spec.general_min, max_value=spec.general_max),
        gxe.ExpectColumnMeanToBeBetween(column="verified", min_value=spec.verified_min),
    ]  # fmt: skip


def _every_family(split: str, families: list[str]) -> Any:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    return gxe.ExpectColumnDistinctValuesToContainSet(
        column="family", value_set=families, row_condition=Column("split") == split
    )


def validate(
    columns: Mapping[str, Sequence[object]], spec: SuiteSpec, *, docs: Path
) -> list[dict[str, object]]:
    """Check the corpus in an ephemeral context, write the Data Docs, and return one line an expectation.

    columns: row_id, split, prompt, think, answer, family (str), general, verified (0 or 1). Raises SuiteFailed naming rows.
    """
    import great_expectations as gx
    import pandas as pd

    for chatty in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    batch = (
        context.data_sources.add_pandas("corpus")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = context.suites.add(
        gx.ExpectationSuite(
            name="corpus",
            expectations=expectations(
                spec,
                sorted({str(family) for family in columns["family"]}),
                sorted({str(split) for split in columns["split"]}),
            ),
        )
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="corpus", data=batch, suite=suite)
    )
    # Data Docs count the failing rows and quote none: they would put what a row says on their page as it is, script and all.
    results = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": ["row_id"],
        "exclude_unexpected_values": True,
    }
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="corpus", validation_definitions=[definition], result_format=results)
    )
    run = checkpoint.run(
        batch_parameters={"dataframe": pd.DataFrame(columns)},
        run_id=gx.RunIdentifier(run_name="build", run_time=EPOCH),
    )
    _write_docs(context, docs)
    lines = [_line(result) for outcome in run.run_results.values() for result in outcome.results]
    _refuse_failures(lines)
    return lines


def _write_docs(context: Any, docs: Path) -> None:
    """Build the Data Docs site; its pages ask nothing of any network."""
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)}
    context.add_data_docs_site(site_name="local", site_config={
        "class_name": "SiteBuilder", "store_backend": store, "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}, "show_how_to_buttons": False,
    })  # fmt: skip
    context.build_data_docs(site_names=["local"])
    take_offline(docs)


def _line(result: Any) -> dict[str, object]:
    config, found = result.expectation_config, result.result or {}
    rows = [
        row_id for entry in found.get("unexpected_index_list") or [] for row_id in entry["row_id"]
    ]
    kwargs = {
        name: value
        for name, value in config.kwargs.items()
        if name not in ("batch_id", "result_format")
    }
    error = (result.exception_info or {}).get("exception_message") or ""
    return {
        "expectation": config.type, "kwargs": kwargs, "success": bool(result.success), "observed": found.get("observed_value"),
        "unexpected": found.get("unexpected_count") or 0, "rows": sorted(rows)[:NAMED_ROWS], "error": error,
    }  # fmt: skip


def _refuse_failures(lines: list[dict[str, object]]) -> None:
    failed = [line for line in lines if not line["success"]]
    if failed:
        raise SuiteFailed(
            f"{len(failed)} of {len(lines)} expectations failed: "
            + "; ".join(map(_sentence, failed))
        )


def _sentence(line: dict[str, object]) -> str:
    kwargs = ", ".join(f"{name}={value}" for name, value in dict(line["kwargs"]).items())  # type: ignore[call-overload]
    seen = (
        f"seen {line['observed']}"
        if line["observed"] is not None
        else f"{line['unexpected']} rows, among them {line['rows']}"
    )
    hint = HINTS.get(str(line["expectation"]), "")
    return f"{line['expectation']}({kwargs}): {line['error'] or seen}{hint}"
