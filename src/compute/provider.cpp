#include "compute/provider.hpp"

#include <string>

#include "base/ensure.hpp"

namespace mutirao::compute {

Provider::Provider(Models& models, const crypto::AccountKey& key, const ProviderOptions& options)
    : models_(models), key_(key), address_(key.address()), options_(options) {
    ENSURE(options.running_max > 0, "a provider that may run nothing");
}

Provider::~Provider() { close(); }

Result<Answer> Provider::infer(const InferenceRequest& request) {
    TRY_VOID(request.validate());
    TRY_VOID(enter());
    auto result = answer(request);
    leave();
    return result;
}

Status Provider::enter() {
    std::unique_lock lock(mutex_);
    const auto closed = Error{ErrorKind::unavailable, "this provider is shutting down"};
    if (closed_) return closed;
    const std::uint64_t places = std::uint64_t{options_.running_max} + options_.waiting_max;
    if (arrived_ - left_ >= places)
        return Error{ErrorKind::resource_exhausted,
                     "this provider is busy: " + std::to_string(options_.running_max) +
                         " answers are being made and " + std::to_string(options_.waiting_max) +
                         " callers wait; try again shortly"};
    const auto ticket = arrived_++;
    changed_.wait(lock, [&] { return closed_ || ticket < left_ + options_.running_max; });
    if (!closed_) return {};
    ++left_;
    changed_.notify_all();
    return closed;
}

void Provider::leave() {
    const std::lock_guard lock(mutex_);
    ++left_;
    changed_.notify_all();
}

void Provider::close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return arrived_ == left_; });
}

Result<Answer> Provider::answer(const InferenceRequest& request) {
    TRY(auto model, models_.open(request.model));
    TRY(auto output, model->generate(request));
    const auto output_tokens = model->count_tokens(output);
    if (output_tokens > request.max_tokens || output.size() > kOutputMax)
        return Error{ErrorKind::corrupt, "the model answered with " +
                                             std::to_string(output_tokens) + " tokens, at most " +
                                             std::to_string(request.max_tokens) +
                                             " were asked for"};
    Answer answer{std::move(output), {}};
    auto& receipt = answer.receipt;
    receipt.request = request.digest();
    receipt.output = output_digest(answer.output);
    receipt.model = request.model;
    receipt.prompt_tokens = model->count_tokens(request.prompt);
    receipt.output_tokens = output_tokens;
    receipt.price = options_.pricing.price(receipt.prompt_tokens, output_tokens);
    receipt.sign(key_);
    return answer;
}

}  // namespace mutirao::compute
