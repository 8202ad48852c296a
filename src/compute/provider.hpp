// Answers requests with models that somebody else loads, prices the answers and signs receipts.
// It starts no threads: the callers' threads do the work, a bounded number at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "compute/inference.hpp"

namespace mutirao::compute {

// A loaded model. Called by up to ProviderOptions::running_max threads at once.
class TextModel {
  public:
    virtual ~TextModel() = default;
    // The continuation of request.prompt, without the prompt: at most request.max_tokens tokens.
    virtual Result<Bytes> generate(const InferenceRequest& request) = 0;
    // How many of this model's tokens `text` is: bytes, unless the model has pieces.
    virtual std::uint32_t count_tokens(ByteSpan text) const {
        return static_cast<std::uint32_t>(text.size());
    }
};

// Where models come from. Called by several threads at once.
class Models {
  public:
    virtual ~Models() = default;
    // not_found when this provider does not serve `model`. Shared, because a cache may drop the
    // model while an answer is still being made with it.
    virtual Result<std::shared_ptr<TextModel>> open(const Digest& model) = 0;
};

struct ProviderOptions {
    Pricing pricing;
    std::uint32_t running_max = 1;  // answers being made at once; at least 1
    std::uint32_t waiting_max = 8;  // callers waiting for their turn
};

struct Answer {
    Bytes output;
    Receipt receipt;
};

// Any thread may call.
class Provider {
  public:
    // `models` must outlive the provider.
    Provider(Models& models, const crypto::AccountKey& key, const ProviderOptions& options);
    // Closes.
    ~Provider();

    // Blocks while earlier callers are served, in order of arrival. Errors: invalid_argument (a
    // field over its limit), resource_exhausted (running_max + waiting_max callers are already
    // here), unavailable (closed), whatever the model says, and corrupt when the model answers with
    // more than was asked for. An error costs nothing: there is no receipt.
    Result<Answer> infer(const InferenceRequest& request);

    // Refuses new and waiting callers with `unavailable` and returns once no answer is being made.
    void close();

    Address address() const { return address_; }
    const Pricing& pricing() const { return options_.pricing; }

  private:
    Status enter();
    void leave();
    Result<Answer> answer(const InferenceRequest& request);

    Models& models_;
    const crypto::AccountKey key_;
    const Address address_;
    const ProviderOptions options_;

    std::mutex mutex_;  // guards what follows; never held while a model works
    std::condition_variable changed_;
    // Caller number t (from 0) starts once t < left_ + running_max.
    std::uint64_t arrived_ = 0;
    std::uint64_t left_ = 0;
    bool closed_ = false;
};

}  // namespace mutirao::compute
