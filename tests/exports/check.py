#!/usr/bin/env python3
"""Other people's programs read what `mutirao model export` writes, and agree with our model.

Usage: check.py MUTIRAO

Makes two random GPTs, of bytes and of pieces, exports them, and compares:
- PyPI's `gguf` reads the GGUF file's metadata and tensors; `sentencepiece` reads the tokenizer and
  gives our tokens;
- where it can be imported, `transformers` (with torch) loads the folder, gives our tokens and our
  scores to 1e-4;
- where npm's node-llama-cpp stands in NODE_MODULES, llama.cpp gives our tokens and our greedy text.
A part that is not installed is left out and named. Installs nothing: see README.md.
"""
import importlib.util
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
CONTEXT = 64
PROMPT = "o mutirão da vila planta o milho"
SCORES_APART_MAX = 1e-4


def layout(vocabulary, layers=2, width=32):
    hidden = (8 * width // 3 + 31) // 32 * 32
    yield "model.embed_tokens.weight", (vocabulary, width)
    for layer in range(layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (width,)
        for name in "qkvo":
            yield f"{at}self_attn.{name}_proj.weight", (width, width)
        yield at + "post_attention_layernorm.weight", (width,)
        yield at + "mlp.gate_proj.weight", (hidden, width)
        yield at + "mlp.up_proj.weight", (hidden, width)
        yield at + "mlp.down_proj.weight", (width, hidden)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (vocabulary, width)


def write_checkpoint(path, vocabulary, tokenizer):
    draw = random.Random(vocabulary)
    header = {"__metadata__": {"format": "mutirao-model-2", "kind": "gpt", "layers": "2",
                               "width": "32", "heads": "4", "context": str(CONTEXT),
                               "vocabulary": str(vocabulary), "round": "0", "tokens": "0"}}
    data = b""
    for name, shape in layout(vocabulary):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        middle = 1 if len(shape) == 1 else 0
        part = struct.pack(f"<{count}f", *(draw.gauss(middle, 0.2) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    if tokenizer:
        header["preparation"] = {"dtype": "U8", "shape": [len(tokenizer)],
                                 "data_offsets": [len(data), len(data) + len(tokenizer)]}
        data += tokenizer
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def check_gguf(folder, ours):
    import gguf
    reader = gguf.GGUFReader(folder / "model.gguf")
    assert len(reader.tensors) == 21, len(reader.tensors)
    assert bytes(reader.fields["general.architecture"].parts[-1]) == b"llama"
    tokens = reader.fields["tokenizer.ggml.tokens"].data
    assert len(tokens) == len(ours["scores"]), len(tokens)


def check_sentencepiece(folder, ours):
    if not (folder / "hf/tokenizer.model").exists():
        return
    import sentencepiece
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "hf/tokenizer.model"))
    assert processor.encode(PROMPT) == ours["tokens"], processor.encode(PROMPT)
    assert processor.decode(ours["tokens"]) == PROMPT


def check_transformers(folder, ours):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    model = AutoModelForCausalLM.from_pretrained(folder / "hf").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "hf")
    assert tokenizer(PROMPT).input_ids == ours["tokens"]
    assert tokenizer.decode(ours["tokens"]) == PROMPT
    with torch.no_grad():
        scores = model(torch.tensor([ours["tokens"]])).logits[0, -1]
    apart = (scores - torch.tensor(ours["scores"])).abs().max().item()
    print(f"  transformers: scores {apart:.1e} apart")
    assert apart < SCORES_APART_MAX, apart


def check_llama_cpp(folder, ours):
    answer = json.loads(subprocess.run(
        ["node", HERE / "llama.mjs", folder / "model.gguf", PROMPT, "20"], check=True,
        capture_output=True, timeout=120).stdout)
    assert answer["tokens"] == ours["tokens"], answer["tokens"]
    # Where a sequence is cut off at the end, we leave it out and llama.cpp marks it.
    texts = [text.rstrip("\ufffd") for text in (answer["text"], ours["text"])]
    assert texts[0] == texts[1], texts


def has(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


def main():
    mutirao = pathlib.Path(sys.argv[1]).resolve()
    tokenizer = (HERE / "../../corpus/model_tokenizer_fuzz/small").read_bytes()
    parts = [("gguf", has("gguf"), check_gguf),
             ("sentencepiece", has("sentencepiece"), check_sentencepiece),
             ("transformers", has("transformers", "torch"), check_transformers),
             ("llama.cpp", "NODE_MODULES" in os.environ and shutil.which("node"), check_llama_cpp)]
    for name, there, _ in parts:
        if not there:
            print(f"left out, as it is not installed: {name}")
    with tempfile.TemporaryDirectory() as temporary:
        for kind, vocabulary, file in (("bytes", 256, b""), ("pieces", 300, tokenizer)):
            folder = pathlib.Path(temporary) / kind
            folder.mkdir()
            checkpoint = folder / "model.safetensors"
            write_checkpoint(checkpoint, vocabulary, file)
            run = [mutirao, "--json", "model"]
            subprocess.run([*run, "export", checkpoint, "-o", folder / "hf"], check=True)
            subprocess.run([*run, "export", checkpoint, "--format", "gguf", "-o",
                            folder / "model.gguf"], check=True)
            ours = json.loads(subprocess.run(
                [*run, "ask", checkpoint, PROMPT, "--max-tokens", "20", "--temperature", "0",
                 "--scores"], check=True, capture_output=True).stdout)
            print(f"a model of {kind}")
            for name, there, check in parts:
                if there:
                    check(folder, ours)
                    print(f"  {name} agrees")


if __name__ == "__main__":
    main()
