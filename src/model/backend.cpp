#include "model/backend.hpp"

#include <string>

namespace mutirao::model {

namespace {

Error of_another_kind(const ModelConfig& config, const char* what) {
    return {ErrorKind::unimplemented,
            "a model of kind " + std::string(config.kind_name()) + " has no " + what};
}

}  // namespace

Status Model::next_token_logits(std::span<const Token>, std::span<float>) {
    return of_another_kind(config(), "next token");
}

Status Model::scores(const Batch&, std::span<float>) {
    return of_another_kind(config(), "scores of examples");
}

}  // namespace mutirao::model
