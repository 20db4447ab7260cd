"""Write the files in flax/: a tiny BERT and a tiny T5 as Flax writes them, and what PyTorch makes of them.

No test runs this. It was run with transformers 4.46.3, flax 0.8.5, jax 0.4.34 and numpy 1.26.4, in an
environment of their own, which the study does not need.

Usage: python make_flax.py
"""

import json
from pathlib import Path

import torch
import transformers as t

#: Two texts, the second padded; the same as in test_flax.py.
IDS = [[2, 5, 6, 7, 3], [2, 8, 9, 3, 0]]
MASK = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]
BERT = t.BertConfig(
    vocab_size=16, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=10, initializer_range=0.5,
)  # fmt: skip
T5 = t.T5Config(
    vocab_size=16, d_model=8, d_kv=4, d_ff=12, num_layers=2, num_decoder_layers=1, num_heads=2,
    decoder_start_token_id=0,
)  # fmt: skip


def write(name: str, model: torch.nn.Module, flax: type) -> None:
    """Write config.json, flax_model.msgpack and states.json: the states that PyTorch's own model gives."""
    folder = Path(__file__).parent / "flax" / name
    with torch.no_grad():
        for parameter in model.parameters():  # norms and biases would be ones and zeros
            parameter.add_(0.1 * torch.randn_like(parameter))
        encoder = model.get_encoder() if name == "t5" else model.bert
        states = encoder.eval()(torch.tensor(IDS), attention_mask=torch.tensor(MASK)).last_hidden_state
    model.save_pretrained(folder / "torch")
    flax.from_pretrained(folder / "torch", from_pt=True).save_pretrained(folder)
    rounded = [[[float(f"{x:.8g}") for x in row] for row in text] for text in states.tolist()]
    (folder / "states.json").write_text(json.dumps(rounded) + "\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    write("bert", t.BertForMaskedLM(BERT), t.FlaxBertForMaskedLM)
    write("t5", t.T5ForConditionalGeneration(T5), t.FlaxT5ForConditionalGeneration)
