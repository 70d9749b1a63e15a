"""Lines as journals held them before there were segments."""

import dataclasses
import json
import math


def old_line(record, **marks):
    """A run that had ended: missing values are null, an overflow its name."""
    event = {"event": "run", **marks, **dataclasses.asdict(record)}
    event["curves"] = {
        metric: [
            value if math.isfinite(value) else None if math.isnan(value) else str(value)
            for value in values
        ]
        for metric, values in record.curves.items()
    }
    return json.dumps(event, allow_nan=False) + "\n"
