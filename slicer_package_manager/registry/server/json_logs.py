"""Messages as lines of JSON, for programs that collect them."""
import logging

from pythonjsonlogger.orjson import OrjsonFormatter


def formatter() -> logging.Formatter:
    """Formatter of log lines: ``time`` (UTC), ``level``, ``logger``, ``message`` and the extra fields of a message."""
    return OrjsonFormatter(
        '{levelname}{name}{message}', style='{', timestamp='time',
        rename_fields={'levelname': 'level', 'name': 'logger'})


def use_json(logger: logging.Logger, *filters: logging.Filter) -> None:
    """Have the handlers of ``logger`` write JSON, of what passes by ``filters``."""
    for handler in logger.handlers:
        handler.setFormatter(formatter())
        for one in filters:
            handler.addFilter(one)
