"""The suite: what the finished corpus must satisfy, as a Great Expectations suite made from the
Spec.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import Field

from tasks.corpus.data_docs import take_offline
from tasks.errors import SuiteFailed
from tasks.spec import Spec

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Fixed time of every validation, so that equal rows give equal bytes."""
NAMED_ROWS = 5
"""Most failing rows that a message names."""


class SuiteSpec(Spec):
    """What the finished corpus must satisfy. Otherwise the run fails."""

    min_rows: int = Field(1, ge=1)
    """Smallest number of rows."""
    general_min: float = Field(0.0, ge=0, le=1)
    """Smallest share of general-reasoning rows. With 0.10, a student keeps its general
    reasoning.
    """
    general_max: float = Field(0.15, ge=0, le=1)
    """Largest share of general-reasoning rows. Rows above it are left out before the check."""
    verified_min: float = Field(0.0, ge=0, le=1)
    """Smallest share of rows whose answer was checked against a known answer."""
    checked: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Gate → smallest share of the rows in which it must have checked something, for example
    {quotations: 0.3}. A gate with nothing to check in a row records that.
    """
    think_min: int = Field(1, ge=0)
    """Smallest number of characters of a think block."""
    think_max: int = Field(20_000, ge=1)
    """Largest number of characters of a think block."""
    family_missing: Literal["fail", "warn"] = "fail"
    """If a family has no row in one of the splits: fail the run, or warn in the log and the
    card.
    """


class CheckedExpectation(NamedTuple):
    """The result of one expectation.

    expectation: its type. says: its description. unexpected: number of failing rows. rows: ids of
    some of them. error: why it could not be evaluated, "" otherwise.
    """

    expectation: str
    says: str
    kwargs: dict[str, Any]
    success: bool
    observed: Any
    unexpected: int
    rows: list[str]
    error: str


def checked_column(gate: str) -> str:
    """Return the name of the column that shows in which rows a gate checked something."""
    return f"checked: {gate}"


def expectations(spec: SuiteSpec, families: list[str], splits: list[str]) -> list[Any]:
    """Return the suite's expectations, each with a sentence as description.

    families: all families of the corpus. splits: the splits that are not empty.
    """
    return [
        *_floors(spec),
        *_texts(),
        *([] if spec.family_missing == "warn" else _every_family(splits, families)),
        *_names(families),
        *_whole(spec),
    ]


def _floors(spec: SuiteSpec) -> list[Any]:
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnMeanToBeBetween(
            column=checked_column(gate),
            min_value=share,
            description=f"gate {gate} checks at least {share:.1%} of the rows "
            f"(corpus.suite.checked.{gate})",
        )
        for gate, share in spec.checked.items()
    ]


def _texts() -> list[Any]:
    """Return the expectations of every text: present, not blank, without tags and without
    canaries.
    """
    import great_expectations.expectations as gxe

    present = [
        gxe.ExpectColumnValuesToNotBeNull(column=name, description=f"every row has a {name}")
        for name in ("row_id", "prompt", "think", "answer", "family")
    ]
    filled = [
        gxe.ExpectColumnValuesToMatchRegex(
            column=name, regex=r"\S", description=f"no {name} is blank"
        )
        for name in ("prompt", "think", "answer")
    ]
    untagged = [
        gxe.ExpectColumnValuesToNotMatchRegex(
            column=name, regex=r"</?think>", description=f"no {name} holds a <think> tag"
        )
        for name in ("think", "answer")
    ]
    clean = [
        gxe.ExpectColumnValuesToNotMatchRegex(
            column=name,
            regex=r"canary-[0-9a-f]{16}|\ufffd",
            description=f"no {name} holds a canary of the producer "
            "or a character that was not decoded",
        )
        for name in ("prompt", "think", "answer")
    ]
    return [*present, *filled, *untagged, *clean]


def _every_family(splits: list[str], families: list[str]) -> list[Any]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    return [
        gxe.ExpectColumnDistinctValuesToContainSet(
            column="family",
            value_set=families,
            row_condition=Column("split") == split,
            description=f"the {split} split holds rows of every family: {', '.join(families)} "
            "(a family lacks rows if all its rows share documents or texts: give it more, "
            "or set corpus.suite.family_missing=warn)",
        )
        for split in splits
    ]


def _names(families: list[str]) -> list[Any]:
    """Return the expectations of ids and of columns with few values."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToBeUnique(column="row_id", description="every row_id is unique"),
        gxe.ExpectColumnValuesToBeUnique(column="prompt", description="every prompt is unique"),
        gxe.ExpectColumnValuesToBeInSet(
            column="family",
            value_set=families,
            description=f"every family is one of {', '.join(families)}",
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="split",
            value_set=["train", "validation"],
            description="every split is train or validation",
        ),
    ]


def _whole(spec: SuiteSpec) -> list[Any]:
    """Return the expectations of the corpus as a whole, from the recipe."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(
            min_value=spec.min_rows,
            description=f"at least {spec.min_rows:,} rows (corpus.suite.min_rows)",
        ),
        gxe.ExpectColumnValueLengthsToBeBetween(
            column="think",
            min_value=spec.think_min,
            max_value=spec.think_max,
            description=f"every think block has {spec.think_min:,} to {spec.think_max:,} "
            "characters (corpus.suite.think_min, think_max)",
        ),
        gxe.ExpectColumnMeanToBeBetween(
            column="general",
            min_value=spec.general_min,
            max_value=spec.general_max,
            description=f"{spec.general_min:.1%} to {spec.general_max:.1%} of the rows are general "
            "(corpus.suite.general_min, general_max)",
        ),
        gxe.ExpectColumnMeanToBeBetween(
            column="verified",
            min_value=spec.verified_min,
            description=f"at least {spec.verified_min:.1%} of the rows are verified "
            "against a known answer (corpus.suite.verified_min)",
        ),
    ]


def validate(
    columns: Mapping[str, Sequence[object] | pa.ChunkedArray], spec: SuiteSpec, *, docs: Path
) -> list[CheckedExpectation]:
    """Return the result of every expectation, and write the pages of the suite into `docs`.

    columns: row_id, split, prompt, think, answer, family (str), general, verified (0 or 1), and the
    columns of checked_column. Raises SuiteFailed, which names rows.
    """
    import great_expectations as gx

    for chatty in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    batch = (
        context.data_sources.add_pandas("corpus")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
    )
    families = sorted({str(family) for family in columns["family"]})
    splits = sorted({str(split) for split in columns["split"]})
    expected = expectations(spec, families, splits)
    suite = context.suites.add(gx.ExpectationSuite(name="corpus", expectations=expected))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="corpus", data=batch, suite=suite)
    )
    # Data Docs count the failing rows but do not quote them, because they would put the text of a
    # row on the page unescaped.
    results = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": ["row_id"],
        "exclude_unexpected_values": True,
    }
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="corpus", validation_definitions=[definition], result_format=results)
    )
    run = checkpoint.run(
        batch_parameters={"dataframe": pa.table(dict(columns)).to_pandas()},
        run_id=gx.RunIdentifier(run_name="build", run_time=EPOCH),
    )
    _write_docs(context, docs)
    lines = [_line(result) for outcome in run.run_results.values() for result in outcome.results]
    _refuse_failures(lines)
    return lines


def _write_docs(context: Any, docs: Path) -> None:
    """Build the pages of the suite. They load nothing from a network."""
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)}
    context.add_data_docs_site(
        site_name="local",
        site_config={
            "class_name": "SiteBuilder",
            "store_backend": store,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "show_how_to_buttons": False,
        },
    )
    context.build_data_docs(site_names=["local"])
    take_offline(docs)


def _line(result: Any) -> CheckedExpectation:
    config, found = result.expectation_config, result.result or {}
    entries = found.get("unexpected_index_list") or []
    rows = [row_id for entry in entries for row_id in entry["row_id"]]
    of_run = ("batch_id", "result_format")
    kwargs = {name: value for name, value in config.kwargs.items() if name not in of_run}
    return CheckedExpectation(
        expectation=config.type,
        says=config.description,
        kwargs=kwargs,
        success=bool(result.success),
        observed=found.get("observed_value"),
        unexpected=found.get("unexpected_count") or 0,
        rows=sorted(rows)[:NAMED_ROWS],
        error=(result.exception_info or {}).get("exception_message") or "",
    )


def _refuse_failures(lines: list[CheckedExpectation]) -> None:
    failed = [line for line in lines if not line.success]
    if failed:
        raise SuiteFailed(
            f"the corpus does not meet {len(failed)} of its {len(lines)} expectations: "
            + "; ".join(map(_sentence, failed))
        )


def _sentence(line: CheckedExpectation) -> str:
    return f"{line.says}: {line.error or _seen(line)}"


def _seen(line: CheckedExpectation) -> str:
    if isinstance(line.observed, float):
        return f"found {line.observed:.3f}"
    if line.observed is not None:
        return f"found {line.observed}"
    return f"not true in {line.unexpected} rows, among them {line.rows}"
