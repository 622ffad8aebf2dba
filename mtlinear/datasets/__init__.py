"""Data sets: generators with a known truth for every structure, and loaders of the sets of the literature."""

from mtlinear.datasets._fetch import fetch_landmine, fetch_parkinsons, fetch_school
from mtlinear.datasets._files import get_data_home
from mtlinear.datasets._make import (
    make_clustered,
    make_dirty,
    make_graph_related,
    make_low_rank,
    make_mean_related,
    make_outlier_tasks,
    make_shared_support,
    make_tree,
)

__all__ = [
    "fetch_landmine",
    "fetch_parkinsons",
    "fetch_school",
    "get_data_home",
    "make_clustered",
    "make_dirty",
    "make_graph_related",
    "make_low_rank",
    "make_mean_related",
    "make_outlier_tasks",
    "make_shared_support",
    "make_tree",
]
