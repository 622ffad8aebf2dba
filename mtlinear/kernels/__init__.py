"""Multi-task learning with kernels: a coupling of the tasks times a kernel on their features."""

from mtlinear.kernels._couplings import ClusterCoupling, Coupling, GraphCoupling, MatrixCoupling, MeanCoupling
from mtlinear.kernels._gaussian_process import MultiTaskGPKernel
from mtlinear.kernels._transformer import MultiTaskKernel

__all__ = [
    "ClusterCoupling",
    "Coupling",
    "GraphCoupling",
    "MatrixCoupling",
    "MeanCoupling",
    "MultiTaskGPKernel",
    "MultiTaskKernel",
]
