// From what owners store to what a model learns from.
//
//   gpt    texts as they are, or, with a vocabulary above 256, in the pieces of a tokenizer that is
//          learnt from all of them
//   image  files of labelled pictures (images.hpp), all of the model's size and with the same
//          classes
//   table  CSV tables with one header (csv.hpp), by a schema that is learnt from all of them; the
//          model's features and outputs may be more than the tables need
//
// Workers that hold the same data prepare the same bytes. Data that are too large for memory are
// prepared piece by piece by the parts that prepare() is made of: SchemaLearner and RowExamples
// (table.hpp), tokenizer_for() and make_text_example() (text_windows.hpp), pictures_begin().
#pragma once

#include "dataset/images.hpp"
#include "dataset/table.hpp"
#include "model/tokenizer.hpp"

namespace mutirao::dataset {

// Whether owners' data are such a model's examples as they are, so that prepare() would only copy
// them.
bool needs_no_preparation(const model::ModelConfig& config);

struct Prepared {
    std::vector<Bytes> examples;  // one list for each of the owners, items of config.example()
    // For the checkpoint: the tokenizer's file, the names of the classes, or the schema.
    Bytes preparation;
};

// `preparation` is that of the checkpoint that training goes on from; empty: it is learnt. Errors
// name the owner's index.
Result<Prepared> prepare(const model::ModelConfig& config, std::span<const ByteSpan> owners,
                         ByteSpan preparation = {});

// Files of pictures hold examples as they are, behind a head: where they begin in owner `owner`'s
// file of `size` bytes that begins with `start` (ImageSet::decode_head). Sets `preparation` when it
// is empty. Errors are those of prepare().
Result<std::uint64_t> pictures_begin(const model::ImageConfig& config, std::size_t owner,
                                     ByteSpan start, std::uint64_t size, Bytes& preparation);

// The tokenizer that is learnt from these texts, or the preparation's.
Result<model::Tokenizer> tokenizer_for(const model::GptConfig& config,
                                       std::span<const ByteSpan> texts, ByteSpan preparation);

// What such a model learns of a table's answers; and whether it has an output for each class of the
// schema (invalid_argument).
Answer answer_of(const model::TabularConfig& config);
Status check_outputs(const model::TabularConfig& config, const TableSchema& schema);

// The names of an image classifier's classes, from its preparation.
Result<std::vector<std::string>> class_names(ByteSpan preparation);

// Nats a byte of text where the model's loss is nats a token of these examples; other losses as
// they are. `examples` are whole ones.
Result<double> loss_per_byte(const model::ModelConfig& config, ByteSpan preparation,
                             ByteSpan examples, double loss);

}  // namespace mutirao::dataset
