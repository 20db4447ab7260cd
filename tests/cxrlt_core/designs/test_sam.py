import torch
from runs import run, same

from cxrlt_core.designs.sam import Settings, step


def test_a_step_follows_the_gradient_at_the_worst_weights_near_by():
    """Written out for ½ (a² + 9 b²), whose gradient is (a, 9 b), and plain gradient descent."""
    a, b, unused = (torch.nn.Parameter(torch.tensor(x)) for x in (2.0, 0.5, 7.0))
    seen = []

    def backward() -> torch.Tensor:
        a.grad, b.grad = a.detach().clone(), 9 * b.detach()
        seen.append((a.item(), b.item()))
        return (a.detach() ** 2 + 9 * b.detach() ** 2) / 2

    def update() -> None:
        assert (a.item(), b.item()) == seen[0]  # back, to the bit
        with torch.no_grad():
            a.sub_(0.1 * a.grad), b.sub_(0.1 * b.grad)

    loss = step(Settings(radius=0.05), None)([a, unused, b], backward, update)
    norm = (2.0**2 + 4.5**2) ** 0.5
    worst = (2.0 + 0.05 * 2.0 / norm, 0.5 + 0.05 * 4.5 / norm)
    torch.testing.assert_close(torch.tensor(seen), torch.tensor([(2.0, 0.5), worst]))
    torch.testing.assert_close(a.data, torch.tensor(2.0 - 0.1 * worst[0]))
    torch.testing.assert_close(b.data, torch.tensor(0.5 - 0.1 * 9 * worst[1]))
    assert unused.item() == 7.0 and loss.item() == (2.0**2 + 9 * 0.5**2) / 2


def test_a_training_with_it_ends_elsewhere(training, plain, tmp_path):
    def trained(**designs) -> dict:
        return run(training(epochs=1, model=plain(), designs=designs), tmp_path, str(designs))

    assert not same(trained(), trained(sam=Settings(radius=0.5)))
