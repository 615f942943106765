"""Ridge regression on one-hot fields: the sanity check beside the network.

Enters: encoded training rows. Leaves: log estimates. Point estimates only.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import OneHotEncoder

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.encode import Encoded, JobEncoder
from mlpaygrade.training.fit import recency_weights


def fit_predict_ridge(
    train: Postings, test: Postings, *, half_life_years: float, min_count: int = 2, alpha: float = 3.0
) -> NDArray[np.float64]:
    """Fit on every training row with the network's encoding and recency weights; log estimates float64 (n_test,)."""
    encoder = JobEncoder.fit(train.jobs, min_count=min_count)
    one_hot = OneHotEncoder(handle_unknown="ignore")

    def matrix(encoded: Encoded) -> NDArray[np.int32]:
        return encoded.categorical

    index, usd = train.row_values_usd()
    weights = recency_weights(train.time_years, half_life_years=half_life_years)
    features = one_hot.fit_transform(matrix(encoder.transform(train.jobs)))
    model = Ridge(alpha=alpha).fit(features[index], np.log1p(usd), sample_weight=weights[index])
    return np.asarray(model.predict(one_hot.transform(matrix(encoder.transform(test.jobs)))), dtype=np.float64)
