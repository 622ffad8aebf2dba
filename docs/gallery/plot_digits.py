"""
Digits as ten tasks
===================

Ten classes are ten one-vs-rest tasks on the same 64 grey values. With few training rows, do they help each other? Here
hardly: the scores say so, and the parameters show why. Each digit needs strokes of its own.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from mtlinear import BlockSparseClassifier, MultiTaskClassifier, TraceNormClassifier
from mtlinear.penalties import Ridge

X, y = load_digits(return_X_y=True)
X = X / 16.0
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=180, stratify=y, random_state=0)
models = {
    "single-task ridge": MultiTaskClassifier(Ridge(0.01)),
    "block-sparse": BlockSparseClassifier(0.003),
    "trace norm": TraceNormClassifier(0.01),
}
for name, model in models.items():
    model.set_params(tol=1e-4).fit(X_train, y_train)
    print(f"{name:18} accuracy {model.score(X_test, y_test):.3f}, rank {model.parameters_.rank(1e-6)}")

# %%
# The ten task vectors as pictures: red pixels speak for the digit, blue ones against it.
figure, rows = plt.subplots(len(models), 10, figsize=(9, 3.2), layout="constrained")
for row, (name, model) in zip(rows, models.items(), strict=True):
    limit = np.abs(model.coef_).max()
    for digit, axes in enumerate(row):
        axes.imshow(model.coef_[digit].reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(xticks=[], yticks=[], title=str(digit) if name == next(iter(models)) else "")
    row[0].set_ylabel(name.replace(" ", "\n"), fontsize=8)
plt.show()
