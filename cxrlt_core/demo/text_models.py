"""Untrained stand-ins for the text encoders: tiny BERT and T5 folders that transformers loads.

They let the demo run without a download. Their embeddings differ between labels, but mean nothing.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.system.atomic import atomic_folder
from cxrlt_core.system.errors import StudyError, reason

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BERT_WIDTH, T5_WIDTH = 64, 96
MARKS = ".,:;-()"

README = """# {title}

An untrained stand-in for {original}, written by the demo: random weights, {width} dimensions, a
vocabulary made of the label names. It keeps the study runnable without a download and knows no
medicine. For a real study, set `text_encoders` in `params.yaml` to the real model.
"""


def write_text_model(name: str, folder: Path, seed: int) -> None:
    """Write a model folder anew: config.json, model.safetensors, tokenizer files and README.md.

    ``pubmedbert`` is a BERT, ``clinical_t5`` a T5; ``AutoTokenizer`` and ``AutoModel`` load the folder
    offline. The same seed gives the same bytes. StudyError for another name.
    """
    if name not in BUILDERS:
        raise StudyError(f"demo.text_encoders: no stand-in {name!r}, expected {', '.join(BUILDERS)}")
    import torch
    import transformers

    original, build = BUILDERS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2 * seed + list(BUILDERS).index(name))
        model, tokenizer = build()
    transformers.utils.logging.disable_progress_bar()
    text = README.format(title=folder.name, original=original, width=model.config.hidden_size)
    with atomic_folder(folder) as draft:
        try:
            model.save_pretrained(draft)
            tokenizer.save_pretrained(draft)
        except Exception as error:  # these libraries raise errors of many types, for a full disk too
            raise OSError(reason(error)) from None
        (draft / "README.md").write_text(text, encoding="utf-8", newline="\n")


def _build_bert() -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = sorted({word for name in CLASSES for word in name.lower().split()})
    pieces = [*ascii_lowercase, *digits, *MARKS, *(f"##{c}" for c in ascii_lowercase + digits)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *words]
    vocabulary = {token: row for row, token in enumerate(tokens)}
    tokenizer = BertTokenizerFast(vocab=vocabulary, do_lower_case=True, model_max_length=64)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=BERT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * BERT_WIDTH,
        max_position_embeddings=64,
        # BERT's own 0.02 would leave the first token, which pooling reads, nearly the same.
        initializer_range=0.3,
    )
    return BertModel(config), tokenizer


def _build_t5() -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    from transformers import T5Config, T5ForConditionalGeneration, T5TokenizerFast

    words = sorted({word for name in CLASSES for word in name.split()})
    # A unigram vocabulary: whole words are likelier than their letters.
    scores = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    scores += [(piece, -3.0) for piece in [*(f"▁{word}" for word in words), "▁"]]
    scores += [(mark, -9.0) for mark in ascii_lowercase + ascii_uppercase + digits + MARKS]
    tokenizer = T5TokenizerFast(vocab=scores, extra_ids=0, model_max_length=64)
    config = T5Config(
        vocab_size=len(scores),
        d_model=T5_WIDTH,
        d_kv=24,
        d_ff=2 * T5_WIDTH,
        num_layers=2,
        num_decoder_layers=1,
        num_heads=4,
        decoder_start_token_id=0,
    )
    return T5ForConditionalGeneration(config), tokenizer


#: Name to the encoder that it stands in for, and the builder of model and tokenizer.
BUILDERS: Mapping[str, tuple[str, Callable[[], tuple["PreTrainedModel", "PreTrainedTokenizerBase"]]]] = {
    "pubmedbert": ("a fine-tuned PubMedBERT", _build_bert),
    "clinical_t5": ("Clinical-T5", _build_t5),
}
