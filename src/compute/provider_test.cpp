#include "compute/provider.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <latch>
#include <thread>
#include <vector>

#include "base/random.hpp"

namespace mutirao::compute {
namespace {

// Answers with the prompt's first bytes, or with `extra` bytes too many.
class Echo final : public TextModel {
  public:
    explicit Echo(std::uint32_t extra = 0) : extra_(extra) {}
    Result<Bytes> generate(const InferenceRequest& request) override {
        return Bytes(request.max_tokens + extra_, request.prompt.front());
    }

  private:
    std::uint32_t extra_;
};

// Says when a request has started and answers once it is let go.
class Gated final : public TextModel {
  public:
    Result<Bytes> generate(const InferenceRequest&) override {
        const auto now = ++running_;
        auto seen = most_.load();
        while (now > seen && !most_.compare_exchange_weak(seen, now)) {
        }
        started_ = true;
        started_.notify_all();
        gate_.wait();
        --running_;
        return Bytes{'a'};
    }

    std::atomic<bool> started_ = false;
    std::latch gate_{1};
    std::atomic<int> running_ = 0;
    std::atomic<int> most_ = 0;
};

class OneModel final : public Models {
  public:
    OneModel(const Digest& id, std::shared_ptr<TextModel> model)
        : id_(id), model_(std::move(model)) {}
    Result<std::shared_ptr<TextModel>> open(const Digest& model) override {
        if (model != id_)
            return Error{ErrorKind::not_found, "model " + model.hex() + " is not served here"};
        return model_;
    }

  private:
    Digest id_;
    std::shared_ptr<TextModel> model_;
};

crypto::AccountKey test_key() {
    SeededRandom random(3);
    return crypto::AccountKey::generate(random);
}

InferenceRequest sample_request() {
    InferenceRequest request;
    request.model.bytes.fill(1);
    request.prompt = {'b', 'c', 'd'};
    request.max_tokens = 5;
    return request;
}

TEST(Provider, answers_with_a_receipt_that_checks) {
    const auto request = sample_request();
    OneModel models(request.model, std::make_shared<Echo>());
    const Pricing pricing{100, 1000};
    Provider provider(models, test_key(), {pricing, 1, 1});
    const auto answer = provider.infer(request);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->output, Bytes(5, 'b'));
    EXPECT_TRUE(check_receipt(request, answer->output, answer->receipt).ok());
    EXPECT_TRUE(check_terms(answer->receipt, provider.address(), pricing).ok());
    EXPECT_EQ(answer->receipt.price, (Wei{0, 3 * 100 + 5 * 1000}));
}

TEST(Provider, refuses_what_it_cannot_answer) {
    const auto request = sample_request();
    OneModel models(request.model, std::make_shared<Echo>());
    Provider provider(models, test_key(), {});
    auto unknown = request;
    unknown.model.bytes[0] ^= 1;
    EXPECT_EQ(provider.infer(unknown).error().kind, ErrorKind::not_found);
    auto bad = request;
    bad.max_tokens = kTokensMax + 1;
    EXPECT_EQ(provider.infer(bad).error().kind, ErrorKind::invalid_argument);
    EXPECT_TRUE(provider.infer(request).ok()) << "errors must give their place back";
}

TEST(Provider, signs_nothing_for_a_model_that_says_too_much) {
    const auto request = sample_request();
    OneModel models(request.model, std::make_shared<Echo>(1));
    Provider provider(models, test_key(), {});
    EXPECT_EQ(provider.infer(request).error().kind, ErrorKind::corrupt);
}

TEST(Provider, is_busy_when_every_place_is_taken) {
    const auto request = sample_request();
    auto model = std::make_shared<Gated>();
    OneModel models(request.model, model);
    Provider provider(models, test_key(), {{}, 1, 0});
    std::thread first([&] { EXPECT_TRUE(provider.infer(request).ok()); });
    model->started_.wait(false);
    EXPECT_EQ(provider.infer(request).error().kind, ErrorKind::resource_exhausted);
    model->gate_.count_down();
    first.join();
    EXPECT_TRUE(provider.infer(request).ok());
}

// Goal: many callers are all served, never more than running_max at once.
TEST(Provider, serves_waiting_callers_in_their_turn) {
    const auto request = sample_request();
    auto model = std::make_shared<Gated>();
    OneModel models(request.model, model);
    Provider provider(models, test_key(), {{}, 2, 14});
    std::vector<std::thread> callers;
    for (int i = 0; i < 16; ++i)
        callers.emplace_back([&] { EXPECT_TRUE(provider.infer(request).ok()); });
    model->gate_.count_down();
    for (auto& caller : callers) caller.join();
    EXPECT_LE(model->most_.load(), 2);
}

TEST(Provider, closing_waits_for_the_answer_being_made_and_refuses_the_rest) {
    const auto request = sample_request();
    auto model = std::make_shared<Gated>();
    OneModel models(request.model, model);
    Provider provider(models, test_key(), {{}, 1, 8});
    std::thread first([&] { EXPECT_TRUE(provider.infer(request).ok()); });
    model->started_.wait(false);
    std::latch calling(1);
    // Waits for its turn or comes after the closing: refused either way.
    std::thread second([&] {
        calling.count_down();
        EXPECT_EQ(provider.infer(request).error().kind, ErrorKind::unavailable);
    });
    calling.wait();
    std::thread closer([&] { provider.close(); });
    // The second caller leaves only because the provider is closed: the first still holds the one
    // place.
    second.join();
    EXPECT_EQ(model->running_.load(), 1);
    model->gate_.count_down();
    first.join();
    closer.join();
    EXPECT_EQ(provider.infer(request).error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace mutirao::compute
