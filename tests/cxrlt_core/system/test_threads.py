import pytest
import torch

from cxrlt_core.system.threads import in_threads


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_keep_the_order_of_items_with_one_thread_each_and_errors_come_out(threads):
    assert in_threads(lambda n: n * n, range(20)) == [n * n for n in range(20)]
    assert set(in_threads(lambda _: torch.get_num_threads(), range(9))) == {1}
    assert torch.get_num_threads() == threads
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda n: 1 / n, [1, 0])
    assert torch.get_num_threads() == threads
