"""Charts for Unfold's Chart.js, and the same numbers as rows for who cannot see them."""

from __future__ import annotations

import json
from typing import Any

_DIM, _GRID = "#9ca3af", "rgba(156,163,175,.2)"


def chart(labels: list[str], datasets: list[dict[str, Any]], *, legend: bool, stacked: bool = False) -> dict[str, Any]:
    """Data and options as JSON, and `rows` and `names` of the same."""
    options = {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "maxBarThickness": 22,
        "plugins": {
            "legend": {"display": legend, "position": "bottom", "labels": {"usePointStyle": True, "color": _DIM}}
        },
        "scales": {
            "x": {"stacked": stacked, "ticks": {"color": _DIM}, "grid": {"display": False}},
            "y": {
                "stacked": stacked,
                "display": True,
                "beginAtZero": True,
                "ticks": {"color": _DIM, "precision": 0},
                "grid": {"color": _GRID},
            },
        },
    }
    return {
        "data": json.dumps({"labels": labels, "datasets": datasets}),
        "options": json.dumps(options),
        "rows": list(zip(labels, *[dataset["data"] for dataset in datasets], strict=True)),
        "names": [dataset["label"] for dataset in datasets],
    }
