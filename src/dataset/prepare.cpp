#include "dataset/prepare.hpp"

#include "model/backend_checks.hpp"

namespace mutirao::dataset {

namespace {

Error of_owner(Error error, std::size_t owner) {
    return std::move(error).within("the data of owner " + std::to_string(owner));
}

Result<Prepared> prepare_kind(const model::GptConfig& config, std::span<const ByteSpan> owners,
                              ByteSpan preparation) {
    Prepared out;
    if (config.vocabulary == model::kVocabulary) {
        for (const auto text : owners) out.examples.push_back(to_bytes(text));
        return out;
    }
    TRY(const auto tokenizer, tokenizer_for(config, owners, preparation));
    for (const auto text : owners)
        out.examples.push_back(model::token_bytes(config, tokenizer.encode(text)));
    out.preparation = tokenizer.file();
    return out;
}

// classes u16, each a text
Bytes encode_names(const std::vector<std::string>& names) {
    Writer out;
    out.u(static_cast<std::uint16_t>(names.size()));
    for (const auto& name : names) out.text(name);
    return std::move(out).take();
}

// Sets `preparation` when it is empty.
Status check_pictures(const model::ImageConfig& config, std::size_t owner, const ImageSet& set,
                      Bytes& preparation) {
    if (set.height != config.height || set.width != config.width ||
        set.channels != config.channels || set.classes.size() > config.classes)
        return of_owner(
            {ErrorKind::invalid_argument,
             "pictures of " + std::to_string(set.height) + " by " + std::to_string(set.width) +
                 " pixels of " + std::to_string(set.channels) + " bytes and " +
                 std::to_string(set.classes.size()) + " classes, not those of the model"},
            owner);
    const auto names = encode_names(set.classes);
    if (preparation.empty()) preparation = names;
    if (preparation != names)
        return of_owner(
            {ErrorKind::invalid_argument, "its classes have other names than the others'"}, owner);
    return {};
}

Result<Prepared> prepare_kind(const model::ImageConfig& config, std::span<const ByteSpan> owners,
                              ByteSpan preparation) {
    Prepared out{{}, to_bytes(preparation)};
    for (std::size_t i = 0; i < owners.size(); ++i) {
        auto set = ImageSet::decode(owners[i]);
        if (!set.ok()) return of_owner(std::move(set).error(), i);
        TRY_VOID(check_pictures(config, i, *set, out.preparation));
        out.examples.push_back(std::move(set->examples));
    }
    return out;
}

Result<Prepared> prepare_kind(const model::TabularConfig& config, std::span<const ByteSpan> owners,
                              ByteSpan preparation) {
    std::vector<Csv> tables;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        auto table = read_csv(owners[i]);
        if (!table.ok()) return of_owner(std::move(table).error(), i);
        tables.push_back(std::move(*table));
    }
    auto schema = preparation.empty() ? TableSchema::fit(tables, answer_of(config))
                                      : TableSchema::decode(preparation);
    if (!schema.ok()) return std::move(schema).error();
    TRY_VOID(check_outputs(config, *schema));
    Prepared out;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto examples = table_examples(*schema, tables[i], config.features);
        if (!examples.ok()) return of_owner(std::move(examples).error(), i);
        out.examples.push_back(std::move(*examples));
    }
    out.preparation = schema->encode();
    return out;
}

}  // namespace

bool needs_no_preparation(const model::ModelConfig& config) {
    const auto* gpt = config.gpt();
    return gpt && gpt->vocabulary == model::kVocabulary;
}

Result<Prepared> prepare(const model::ModelConfig& config, std::span<const ByteSpan> owners,
                         ByteSpan preparation) {
    return std::visit([&](const auto& kind) { return prepare_kind(kind, owners, preparation); },
                      config.kind());
}

Result<std::uint64_t> pictures_begin(const model::ImageConfig& config, std::size_t owner,
                                     ByteSpan start, std::uint64_t size, Bytes& preparation) {
    const auto head = ImageSet::decode_head(start, size);
    if (!head.ok()) return of_owner(head.error(), owner);
    TRY_VOID(check_pictures(config, owner, head->set, preparation));
    return head->examples_at;
}

Result<model::Tokenizer> tokenizer_for(const model::GptConfig& config,
                                       std::span<const ByteSpan> texts, ByteSpan preparation) {
    TRY(auto tokenizer, preparation.empty() ? model::Tokenizer::train(texts, config.vocabulary)
                                            : model::Tokenizer::from_file(preparation));
    if (tokenizer.vocabulary() != config.vocabulary)
        return Error{ErrorKind::invalid_argument,
                     "the tokenizer has " + std::to_string(tokenizer.vocabulary()) +
                         " pieces; the model " + std::to_string(config.vocabulary)};
    return tokenizer;
}

Answer answer_of(const model::TabularConfig& config) {
    return config.outputs == 1 ? Answer::number : Answer::one_of_classes;
}

Status check_outputs(const model::TabularConfig& config, const TableSchema& schema) {
    if (schema.outputs() > config.outputs)
        return Error{ErrorKind::invalid_argument,
                     "the tables have " + std::to_string(schema.outputs()) +
                         " classes; the model has " + std::to_string(config.outputs) + " outputs"};
    return {};
}

Result<std::vector<std::string>> class_names(ByteSpan preparation) {
    Reader reader(preparation);
    TRY(const auto count, reader.u<std::uint16_t>());
    std::vector<std::string> names;
    for (std::uint16_t i = 0; i < count && i < model::kClassesMax; ++i) {
        TRY(auto name, reader.text(kCellMax));
        names.push_back(std::move(name));
    }
    TRY_VOID(reader.finish());
    return names;
}

Result<double> loss_per_byte(const model::ModelConfig& config, ByteSpan preparation,
                             ByteSpan examples, double loss) {
    const auto* gpt = config.gpt();
    if (!gpt || gpt->vocabulary == model::kVocabulary) return loss;
    TRY(const auto tokenizer, model::Tokenizer::from_file(preparation));
    const auto tokens = model::tokens_of(*gpt, examples);
    std::size_t answers = 0, bytes = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (i % (gpt->context + 1) == 0) continue;  // the first one is no answer
        if (tokens[i] >= tokenizer.vocabulary())
            return Error{ErrorKind::invalid_argument, "the tokens are of another tokenizer"};
        ++answers;
        bytes += tokenizer.bytes_of(tokens[i]).size();
    }
    return bytes == 0 ? loss : loss * static_cast<double>(answers) / static_cast<double>(bytes);
}

}  // namespace mutirao::dataset
