"""The networks of LSTM and DeepAR; their tensors have the names that the inference worker reads."""

import math

import torch
from torch import nn
from torch.nn.functional import softplus

SMALLEST_DEVIATION = 1e-6
PARAMETERS = {"gaussian": 2, "student_t": 3, "negative_binomial": 2}


class Network(nn.Module):
    def __init__(self, features, hidden, layers, outputs):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x, state=None):
        """[windows, periods, features] to [windows, periods, outputs]."""
        hidden, state = self.lstm(x, state)
        return self.head(hidden), state

    def tensors(self):
        return {name: tensor.detach().numpy() for name, tensor in self.state_dict().items()}


def parameters(head, numbers, scale):
    """The distribution's parameters in the unit of the series; `scale` has the shape of one of them."""
    first, spread = numbers[..., 0], softplus(numbers[..., 1])
    if head == "gaussian":
        return first * scale, (spread + SMALLEST_DEVIATION) * scale
    if head == "student_t":
        return first * scale, (spread + SMALLEST_DEVIATION) * scale, 2 + softplus(numbers[..., 2])
    return softplus(first) * scale, spread / torch.sqrt(scale)


def draw(head, numbers, scale):
    """One sample of each distribution."""
    if head == "negative_binomial":
        mean, dispersion = parameters(head, numbers, scale)
        shape = 1 / (dispersion + 1e-9)
        return torch.poisson(torch.distributions.Gamma(shape, shape / (mean + 1e-9)).sample())
    if head == "gaussian":
        return torch.normal(*parameters(head, numbers, scale))
    location, spread, freedom = parameters(head, numbers, scale)
    return torch.distributions.StudentT(freedom, location, spread).sample()


def loss(head, numbers, values, scale):
    """Negative log likelihood, averaged."""
    if head == "negative_binomial":
        mean, dispersion = parameters(head, numbers, scale)
        shape = 1 / (dispersion + 1e-9)
        # ln of Gamma(z + r) / (z! Gamma(r)) * (r / (r + m))^r * (m / (r + m))^z
        likelihood = (torch.lgamma(values + shape) - torch.lgamma(values + 1) - torch.lgamma(shape)
                      + shape * torch.log(shape / (shape + mean)) + values * torch.log((mean + 1e-9) / (shape + mean)))
        return -likelihood.mean()
    if head == "gaussian":
        mean, deviation = parameters(head, numbers, scale)
        distance = (values - mean) / deviation
        return (torch.log(deviation / scale) + 0.5 * distance ** 2).mean() + 0.5 * math.log(2 * math.pi)
    location, spread, freedom = parameters(head, numbers, scale)
    return -torch.distributions.StudentT(freedom, location / scale, spread / scale).log_prob(values / scale).mean()


def train(network, batches_of, count, epochs, rate, seed, batch=128):
    """Trains by Adam; `batches_of(indices)` returns the loss of those windows."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    random = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        total = 0.0
        for indices in torch.randperm(count, generator=random).split(batch):
            optimizer.zero_grad()
            value = batches_of(indices)
            value.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total += float(value) * len(indices)
        schedule.step()
        print(f"epoch {epoch + 1}: loss {total / count:.5f}", flush=True)
