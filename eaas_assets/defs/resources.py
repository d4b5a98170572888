"""Resources, the executor and the console logger of the code location.

Steps take milliseconds, so they run in the process of their run: the default of one process per step would cost a
second or more each.
"""

import logging
import sys

import dagster as dg

from eaas_assets.defs.io import ParquetTables
from eaas_assets.defs.world import World
from eaas_assets.storage.locations import Locations


class _OwnWords(logging.Formatter):
    """Shows what an asset said, without the job, run and step around it."""

    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", {})
        return f"  {meta.get('step_key') or ''}: {meta.get('orig_message') or record.getMessage()}"


@dg.logger(config_schema={"log_level": dg.Field(str, default_value="INFO")}, description="Short lines on the console")
def console(init_context: dg.InitLoggerContext) -> logging.Logger:
    """What assets say (progress, warnings) as short lines; Dagster's own events stay in its event log."""
    logger = logging.Logger("eaas_assets", level=init_context.logger_config["log_level"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OwnWords())
    logger.addHandler(handler)
    return logger


@dg.definitions
def resources() -> dg.Definitions:
    """The user's world, and Parquet tables as the only way in and out."""
    data, output = map(str, Locations.from_environment())
    return dg.Definitions(
        resources={
            "world": World(data_dir=data, output_dir=output),
            "io_manager": ParquetTables(data_dir=data, output_dir=output),
        },
        executor=dg.in_process_executor,
        loggers={"console": console},
    )
