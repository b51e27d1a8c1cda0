#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trains LeNet-5 on Fashion-MNIST and writes what the C++ example needs: weights and PyTorch's own answers.

Run once (7 minutes on two cores); the results are committed. Pixels are scaled as x / 255 and nothing else, which the
C++ side must match. Hyper-parameters were chosen with `--holdout 5000` (the last 5,000 training images judge, the test
set is not looked at): 90.8 % for 30 epochs without shifts, 91.0 % with, 92.2 % for 60 epochs at rate 3e-3. The committed
weights are those after the last epoch on all 60,000 training images; they are right about 92.03 % of the test images.

Needs Debian's python3-torch, python3-numpy and dataset-fashion-mnist.
"""
import argparse
import gzip
import json
import pathlib
import struct

import numpy
import torch
from torch import nn
from torch.nn import functional

DATASET = pathlib.Path("/usr/share/datasets/fashion-mnist")
THREADS = 2


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(x.flatten(1)))
        return self.fc3(functional.relu(self.fc2(x)))


def read_images(name):
    raw = gzip.decompress((DATASET / name).read_bytes())
    magic, count, height, width = struct.unpack(">4I", raw[:16])
    assert magic == 0x803
    pixels = numpy.frombuffer(raw, numpy.uint8, offset=16).reshape(count, 1, height, width)
    return torch.from_numpy(pixels.astype(numpy.float32) / 255)


def read_labels(name):
    raw = gzip.decompress((DATASET / name).read_bytes())
    assert struct.unpack(">I", raw[:4])[0] == 0x801
    return torch.from_numpy(numpy.frombuffer(raw, numpy.uint8, offset=8).astype(numpy.int64))


def augment(images, shift):
    """Mirrors each image with probability 1/2 and moves it by up to `shift` pixels along both axes."""
    count, _, height, width = images.shape
    mirrored = torch.where(torch.rand(count, 1, 1, 1) < 0.5, images.flip(3), images)
    if shift == 0:
        return mirrored
    padded = functional.pad(mirrored, (shift,) * 4)[:, 0]
    move = torch.randint(0, 2 * shift + 1, (2, count, 1, 1))
    rows = move[0] + torch.arange(height)[:, None]
    columns = move[1] + torch.arange(width)[None, :]
    return padded[torch.arange(count)[:, None, None], rows, columns][:, None]


def train(model, images, labels, options):
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=options.decay)
    steps = options.epochs * ((len(images) + options.batch - 1) // options.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(options.epochs):
        total = 0.0
        for chosen in torch.randperm(len(images)).split(options.batch):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(augment(images[chosen], options.shift)), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        print(f"epoch {epoch + 1:2}: training loss {total / len(images):.4f}", flush=True)


def logits_of(model, images):
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(1000)])


def accuracy(logits, labels):
    return (logits.argmax(1) == labels).float().mean().item()


def write_safetensors(path, tensors, metadata):
    """8-byte little-endian header length, JSON header padded with spaces to 8 bytes, raw little-endian float32."""
    header, offset = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        end = offset + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(t.detach().numpy().astype("<f4").tobytes() for t in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--decay", type=float, default=1e-2)
    parser.add_argument("--shift", type=int, default=1)
    parser.add_argument("--holdout", type=int, default=0, help="judge by this many training images, write nothing")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "weights")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)

    images, labels = read_images("train-images-idx3-ubyte.gz"), read_labels("train-labels-idx1-ubyte.gz")
    kept = len(images) - options.holdout
    model = LeNet5()
    train(model, images[:kept], labels[:kept], options)
    if options.holdout:
        print(f"held-out accuracy {accuracy(logits_of(model, images[kept:]), labels[kept:]):.4f}")
        return

    test_labels = read_labels("t10k-labels-idx1-ubyte.gz")
    logits = logits_of(model, read_images("t10k-images-idx3-ubyte.gz"))
    best = logits.topk(2).values
    margin = (best[:, 0] - best[:, 1]).min().item()
    print(f"test accuracy {accuracy(logits, test_labels):.4f}, least margin between two logits {margin:.3g}")

    options.output.mkdir(parents=True, exist_ok=True)
    metadata = {"dataset": "Fashion-MNIST", "input": "pixel / 255", "seed": str(options.seed),
                "test_accuracy": f"{accuracy(logits, test_labels):.4f}"}
    write_safetensors(options.output / "fashion-mnist.safetensors", dict(model.named_parameters()), metadata)
    digits = "".join(str(int(c)) for c in logits.argmax(1))
    lines = [digits[i:i + 100] for i in range(0, len(digits), 100)]
    (options.output / "fashion-mnist.classes").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
