"""The command `tracemill recipe`: all settings of a recipe, for editors and for people."""

import json

import typer

recipe_app = typer.Typer(
    help="All settings of a recipe: for editors (schema) and for people (reference).",
    no_args_is_help=True,
)


@recipe_app.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of a recipe; editors use it to complete and check the YAML.

    Save it beside your recipe: `tracemill recipe schema > recipe.schema.json`. Then make this the
    first line of the recipe: `# yaml-language-server: $schema=recipe.schema.json`.
    """
    from flows.recipes.reference import schema

    typer.echo(json.dumps(schema(), indent=1, ensure_ascii=False))


@recipe_app.command("reference")
def show_reference() -> None:
    """Print every setting of a recipe with type, bounds, default and meaning, as Markdown.

    For example: `tracemill recipe reference > recipe.md`.
    """
    from flows.recipes.reference import reference

    typer.echo(reference(), nl=False)
