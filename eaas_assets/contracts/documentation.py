"""The page docs/tables.md, made from the contracts, so that documentation and checks cannot drift apart.

`make docs` writes it; a test compares it.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType

from eaas_assets.contracts import decisions, evaluation, experiments, history, inputs, reports
from eaas_assets.contracts.tables import Table, table_name

STAGES: tuple[tuple[str, ModuleType], ...] = (
    ("inputs", inputs),
    ("evaluation", evaluation),
    ("history", history),
    ("experiments", experiments),
    ("decisions", decisions),
    ("reports", reports),
)
INTRODUCTION = """# Tables

Made by `make docs` from the contracts in `eaas_assets/contracts/`; do not edit by hand.

Tables are Parquet files below `output/tables/<table>/`. Tables of inputs, experiments and decisions are one file that
is replaced as a whole; what was once decided stays in it, and in the audit log. All others keep one file per run:
`<table>/<agent@version>/<run_id>[.<policy>].parquet`; a run's file is never replaced by another run's, so that the
folder is the history and any Parquet reader can read it as one table. Columns that end in `_json` hold JSON text. Null
means: not known, not applicable, or undefined; it never stands for zero.

`customers`, `orders`, `logistics` and `marketing_signals` have the columns that the user's suite declares (see
[data.md](data.md)).
"""


def contracts_of(module: ModuleType) -> list[type[Table]]:
    """The table contracts that a module defines, in the order of the source."""
    return [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, Table) and member.__module__ == module.__name__
    ]


def tables_page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for stage, module in STAGES:
        parts.append(f"## Stage *{stage}*\n")
        for contract in contracts_of(module):
            parts.append(f"### `{table_name(contract)}`\n\n{inspect.cleandoc(contract.__doc__ or '')}\n")
            parts.append("| column | type | null | meaning |\n|---|---|---|---|")
            for name, column in contract.to_schema().columns.items():
                null = "yes" if column.nullable else "no"
                parts.append(f"| `{name}` | {_type(str(column.dtype))} | {null} | {column.description} |")
            parts.append("")
    return "\n".join(parts)


def _type(dtype: str) -> str:
    names = {"string[pyarrow]": "text", "str": "text", "float64": "number", "int64": "integer", "Int64": "integer"}
    names |= {"bool": "boolean", "boolean": "boolean"}
    return names.get(dtype, "UTC timestamp" if dtype.startswith("datetime64") else dtype)


if __name__ == "__main__":
    sys.stdout.write(tables_page())
