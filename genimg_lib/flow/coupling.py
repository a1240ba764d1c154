"""Which noise goes with which data: pairs of a batch, so that paths cross less."""

import torch
from scipy.optimize import linear_sum_assignment


def coupled(x, eps):
    """The noise in another order, so that the sum of |x_i - eps_i|² is least: like eps.

    The optimal transport of a batch, each point used once.
    x, eps: tensors [N, ...], of one shape. Costs N³ at worst.
    Source: Pooladian et al. 2023 (arXiv:2304.14772); Tong et al. 2024 (arXiv:2302.00482).
    """
    if x.shape != eps.shape:
        raise ValueError(f"expected data and noise alike, got {list(x.shape)}, {list(eps.shape)}")
    costs = torch.cdist(x.flatten(1).float(), eps.flatten(1).float()).square()
    _, order = linear_sum_assignment(costs.cpu().numpy())
    return eps[torch.as_tensor(order, device=eps.device)]
