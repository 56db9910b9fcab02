"""Fine-tuning of the upper layers of the sentence encoder of `minilm` on labelled headlines; needs torch and transformers.

The packages of the extra `[sentiment]` hold the encoder with weights of 8 bits, each column with a scale of its own. Its
lower layers stay; what the upper ones become is written in the same form, under the names that the package's graph has.
Source: Devlin et al. 2019 (fine-tuning); Wang et al. 2020 (MiniLM); Howard & Ruder 2018 (layers that are kept as they are).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.sentiment.minilm import graph_path, tokens_of

FIRST_TUNED = 3  # of six layers
EPOCHS = 4
_BATCH = 32
_RATE, _HEAD_RATE = 1e-4, 1e-3
_WARM_UP = 0.1  # share of the steps
_WEIGHT_DECAY = 0.01
_LAYER = re.compile(r"inner\.encoder\.layer\.(\d+)\.(.+)")


Hidden = list[NDArray[np.float16]]
"""Headlines as the lower layers leave them: n arrays (tokens, 384)."""


class UpperLayers:
    """The layers that are tuned, and three logits of the mean token; `network` is a torch module."""

    def __init__(self, seed: int) -> None:
        import torch
        from transformers import BertConfig, BertModel

        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
        )
        config._attn_implementation = "eager"
        self.bert: Any = BertModel(config, add_pooling_layer=False)
        self.graph_names = _load(self.bert)
        self.bert.train(False)
        self.head: Any = torch.nn.Linear(384, 3)
        self.layers: Any = self.bert.encoder.layer[FIRST_TUNED:]

    def lower(self, texts: Sequence[str], progress: Callable[[str], None]) -> Hidden:
        """What the layers that stay make of each text."""
        import torch

        hidden: Hidden = []
        with torch.inference_mode():
            for k, text in enumerate(texts):
                ids = torch.tensor([tokens_of(text)])
                state = self.bert.embeddings(input_ids=ids)
                for layer in self.bert.encoder.layer[:FIRST_TUNED]:
                    state = _first(layer(state))
                hidden.append(state[0].numpy().astype(np.float16))
                if k % 4000 == 3999:
                    progress(f"lower layers: {k + 1} of {len(texts)} headlines")
        return hidden

    def logits(self, hidden: Hidden) -> Any:
        """(n, 3) logits of a batch, padded to its longest text."""
        import torch

        longest = max(len(one) for one in hidden)
        state = torch.zeros(len(hidden), longest, 384)
        known = torch.zeros(len(hidden), longest)
        for k, one in enumerate(hidden):
            state[k, : len(one)] = torch.from_numpy(one.astype(np.float32))
            known[k, : len(one)] = 1.0
        mask = (1.0 - known)[:, None, None, :] * -1e9
        for layer in self.layers:
            state = _first(layer(state, mask))
        mean = (state * known[..., None]).sum(1) / known.sum(1, keepdim=True)
        return self.head(torch.nn.functional.dropout(mean, 0.1, self.head.training))

    def probabilities(self, texts: Hidden) -> NDArray[np.float64]:
        """(n, 3) float64 of negative, positive, neutral."""
        import torch

        self.train(False)
        out = np.zeros((len(texts), 3))
        with torch.inference_mode():
            for rows in _batches(texts, np.argsort([len(one) for one in texts], kind="stable")):
                out[rows] = torch.softmax(self.logits([texts[k] for k in rows]).double(), 1).numpy()
        return out

    def train(self, on: bool) -> None:
        """Switch dropout on or off."""
        self.layers.train(on)
        self.head.train(on)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The tuned layers under the names of the package's graph, weights in 8 bits; and the head."""
        found: dict[str, NDArray[Any]] = {}
        for name, tensor in self.bert.encoder.layer.state_dict().items():
            if int(name.partition(".")[0]) < FIRST_TUNED:
                continue
            stored, values = self.graph_names[name], tensor.detach().numpy()
            if values.ndim == 1:
                found[stored] = values.astype(np.float32)
                continue
            scale = np.maximum(np.abs(values.T).max(axis=0, keepdims=True) / 127.0, 1e-12).astype(np.float32)
            found[f"{stored}_q"] = np.clip(np.rint(values.T / scale), -127, 127).astype(np.int8)
            found[f"{stored}_scale"] = scale
        found["coefficients"] = self.head.weight.detach().numpy().astype(np.float32)
        found["intercept"] = self.head.bias.detach().numpy().astype(np.float32)
        return found


def fine_tune(
    model: UpperLayers,
    texts: Hidden,
    label: NDArray[np.int64],
    weight: NDArray[np.float64],
    seed: int,
    progress: Callable[[str], None],
    epochs: int = EPOCHS,
) -> None:
    """Train the upper layers and the head by cross-entropy.

    label: (n,) 0 negative, 1 positive, 2 neutral; weight: (n,) of each headline in the loss
    """
    import torch

    rng = np.random.default_rng(seed)
    layers, head = list(model.layers.parameters()), list(model.head.parameters())
    groups = [{"params": layers, "lr": _RATE}, {"params": head, "lr": _HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=_WEIGHT_DECAY)
    steps = epochs * -(-len(label) // _BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (_WARM_UP * steps)) * max(0.0, 1.0 - step / steps)
    )
    for epoch in range(epochs):
        model.train(True)
        total = 0.0
        for rows in _shuffled(texts, rng):
            logits = model.logits([texts[k] for k in rows])
            losses: Any = torch.nn.functional.cross_entropy(logits, torch.from_numpy(label[rows]), reduction="none")
            loss = (losses * torch.from_numpy(weight[rows]).float()).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*layers, *head], 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
        progress(f"epoch {epoch + 1} of {epochs}: loss {total / len(label):.3f}")


def _shuffled(texts: Hidden, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Batches in a random order, of texts of about one length, for little padding."""
    order = rng.permutation(len(texts))
    pool = 20 * _BATCH
    batches: list[NDArray[np.int64]] = []
    for first in range(0, len(order), pool):
        part = order[first : first + pool]
        batches += _batches(texts, part[np.argsort([len(texts[k]) for k in part], kind="stable")])
    return [batches[k] for k in rng.permutation(len(batches))]


def _batches(texts: Hidden, order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [order[first : first + _BATCH] for first in range(0, len(order), _BATCH)]


def _first(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


def _load(bert: Any) -> dict[str, str]:
    """Give the torch model the package's weights; return its parameters of the layers -> their names in the graph."""
    import onnx
    import torch
    from onnx import numpy_helper

    graph = onnx.load(str(graph_path())).graph
    stored = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    biases = {name for name in stored if _LAYER.fullmatch(name) and name.endswith(".bias")}
    added = {source: target for node in graph.node if node.op_type == "Add" for source, target in _pairs(node.input, biases)}
    named = {
        added[node.output[0]].removesuffix("bias") + "weight": node.input[1]
        for node in graph.node
        if node.op_type == "MatMul" and node.output[0] in added
    }  # a product is the layer's whose bias is added to it
    state, names = {}, {}
    for name in bert.state_dict():
        inner = f"inner.{name}"
        if inner in named:
            values = (stored[f"{named[inner]}_q"].astype(np.float32) * stored[f"{named[inner]}_scale"]).T
            names[name.removeprefix("encoder.layer.")] = named[inner]
        elif f"{inner}_q" in stored:
            values = stored[f"{inner}_q"].astype(np.float32) * stored[f"{inner}_scale"]
        else:
            values = stored[inner]
            names[name.removeprefix("encoder.layer.")] = inner
        state[name] = torch.from_numpy(np.array(values))
    bert.load_state_dict(state)
    return names


def _pairs(inputs: Sequence[str], biases: set[str]) -> list[tuple[str, str]]:
    """(other input, bias) of an addition of a bias."""
    return [(inputs[1 - k], name) for k, name in enumerate(inputs) if name in biases]
