import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import rank_filter

from napari_ghosthunter.compiled import run
from napari_ghosthunter.scan.ranking import fourth_largest


@given(
    arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.one_of(st.integers(0, 4).map(float), st.floats(0, allow_nan=False)),
    )
)
def test_the_fourth_largest_is_that_of_sorting(pattern):
    found = np.empty_like(pattern)
    run(fourth_largest, pattern, found)
    assert np.array_equal(found, rank_filter(pattern, rank=-4, size=3, mode="constant", cval=0.0))
