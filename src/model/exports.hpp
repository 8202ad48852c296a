// A GPT in the files of other programs.
//
//   transformers  a folder that Hugging Face's AutoModelForCausalLM and AutoTokenizer load
//                 (LlamaForCausalLM): config.json, model.safetensors, tokenizer files
//   gguf          one file of version 3 for llama.cpp and what is built on it
//                 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), architecture
//                 "llama", float32
//
// Tokens keep their numbers. Of a byte-level model each byte is a token of a byte-level BPE without
// merges; of pieces the tokenizer is SentencePiece's. Neither has tokens that begin or end a text.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "model/checkpoint.hpp"

namespace mutirao::model {

struct ExportedFile {
    std::string name;
    Bytes bytes;
};

// unimplemented when the model is no GPT; invalid_argument when it is an adapter, or its tokenizer
// is not of its vocabulary.
Result<std::vector<ExportedFile>> export_transformers(const Checkpoint& checkpoint);
Result<Bytes> export_gguf(const Checkpoint& checkpoint, const std::string& name);

}  // namespace mutirao::model
