"""Keeping fitted models: the skops format, a SHA-256 checked before anything is read, a closed list of types.

No pickle: a file names the types it holds, and one that is not on the list is refused before it is built.
"""

import hashlib
from typing import Any

from risk.prediction.failure import FailureEstimator
from risk.prediction.payment import PaymentEstimator

# Compiled parts of trees: arrays of nodes. skops itself trusts numpy's arrays and scikit-learn's estimators.
TRUSTED = frozenset(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)
FORMS = {"payment": PaymentEstimator, "failure": FailureEstimator}


class RefusedModel(Exception):
    """The file is not the one that was kept, or holds what may not be loaded."""


def dumped(form: str, estimator: Any) -> tuple[bytes, str]:
    """The file's bytes and their SHA-256."""
    from skops import io

    parts = {name: getattr(estimator, name) for name in _names(form)}
    parts["names"] = list(estimator.names)
    content = bytes(io.dumps({"form": form, "parts": parts}, compression=8))
    return content, hashlib.sha256(content).hexdigest()


def loaded(form: str, content: bytes, sha256: str) -> Any:
    """The estimator of a file whose hash is the one on its card. Raises RefusedModel."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RefusedModel("the file's SHA-256 is not that of the model card")
    from skops import io

    try:
        unknown = set(io.get_untrusted_types(data=content)) - TRUSTED
        if unknown:
            raise RefusedModel(f"types not on the list: {', '.join(sorted(unknown))}")
        found = io.loads(content, trusted=sorted(TRUSTED))
    except RefusedModel:
        raise
    except Exception as error:
        raise RefusedModel(f"unreadable: {type(error).__name__}: {error}") from error
    if not isinstance(found, dict) or found.get("form") != form:
        raise RefusedModel("another kind of model")
    parts = found["parts"]
    if set(parts) != set(_names(form)):
        raise RefusedModel("model of another version")
    parts["names"] = tuple(parts["names"])
    return FORMS[form](**parts)


def _names(form: str) -> tuple[str, ...]:
    return tuple(FORMS[form].__dataclass_fields__)


__all__ = ["TRUSTED", "RefusedModel", "dumped", "loaded"]
