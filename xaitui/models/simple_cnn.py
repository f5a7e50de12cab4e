"""The report's two small networks; they return logits, without the log-softmax of the report's listings.

Names and order of the layers are those of the report's appendix A.1, so that a listing can be read beside a state dict.
"""

from __future__ import annotations

from torch import Tensor, nn

from xaitui.models.request import ModelRequest, Net

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "leaky-relu": nn.LeakyReLU}


class SimpleCNNv1(nn.Module):
    """The initial version: two convolutions with LeakyReLU and max-pooling, one linear layer.

    Input (N, in_channels, image_size, image_size), output (N, num_classes) logits.
    """

    def __init__(self, num_classes: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels, 32, kernel_size=3, padding="same"), nn.LeakyReLU(), nn.MaxPool2d(2)
        )
        self.conv2 = nn.Sequential(nn.Conv2d(32, 64, kernel_size=3, padding="same"), nn.LeakyReLU(), nn.MaxPool2d(2))
        side = image_size // 4
        self.out = nn.Linear(64 * side * side, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.conv2(self.conv1(x))
        logits: Tensor = self.out(x.flatten(1))
        return logits


class SimpleCNN(nn.Module):
    """The improved version: three convolutions and two linear layers, with batch normalisation and dropout.

    Input (N, in_channels, image_size, image_size), output (N, num_classes) logits. A part that is switched off leaves
    an identity in its place, so that every ablation has the same names for the same layers.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        image_size: int,
        *,
        batch_norm: bool = True,
        dropout: bool = True,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        act = _ACTIVATIONS[activation]

        def block(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=3, padding="same"),
                nn.BatchNorm2d(outputs) if batch_norm else nn.Identity(),
                act(),
                nn.MaxPool2d(2),
                nn.Dropout(0.25) if dropout else nn.Identity(),
            )

        self.conv1 = block(in_channels, 32)
        self.conv2 = block(32, 64)
        self.conv3 = block(64, 128)
        side = image_size // 8
        self.fc1 = nn.Linear(128 * side * side, 256)
        self.fc_bn = nn.BatchNorm1d(256) if batch_norm else nn.Identity()
        self.fc_act = act()
        self.dropout_fc = nn.Dropout(0.5) if dropout else nn.Identity()
        self.fc2 = nn.Linear(256, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.conv3(self.conv2(self.conv1(x)))
        x = self.fc_act(self.fc_bn(self.fc1(x.flatten(1))))
        logits: Tensor = self.fc2(self.dropout_fc(x))
        return logits


class SoftmaxedCNNv1(SimpleCNNv1):
    """The initial version with a softmax before the loss, which then takes the log-softmax of probabilities.

    A mistake that is easily made, kept to show what it does: gradients are small where the network is sure and wrong.
    Input as above, output (N, num_classes) probabilities, which stand where logits are expected.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities."""
        return super().forward(x).softmax(dim=1)


def build_softmaxed_cnn_v1(request: ModelRequest) -> Net:
    """Build the report's initial network with a softmax too many."""
    module = SoftmaxedCNNv1(request.num_classes, request.in_channels, request.image_size)
    return Net(module, first_layer="conv1.0", classifier=("out",))


def build_simple_cnn_v1(request: ModelRequest) -> Net:
    """Build the report's initial network."""
    module = SimpleCNNv1(request.num_classes, request.in_channels, request.image_size)
    return Net(module, first_layer="conv1.0", classifier=("out",))


def build_simple_cnn(request: ModelRequest) -> Net:
    """Build the report's improved network, with its ablations."""
    module = SimpleCNN(
        request.num_classes,
        request.in_channels,
        request.image_size,
        batch_norm=request.batch_norm,
        dropout=request.dropout,
        activation=request.activation,
    )
    return Net(module, first_layer="conv1.0", classifier=("fc1", "fc_bn", "fc2"))
