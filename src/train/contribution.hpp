// What each data owner's examples did for a run: In-Run Data Shapley of the first order (Wang et
// al. 2024, arXiv 2406.11011). An example's credit at a step is
//
//     learning rate * <gradient of the example's loss, gradient of the held-out loss>,
//
// which is, to first order, how far its part of a plain gradient step lowers the held-out loss; an
// owner's credit is the sum over its examples and steps. Held-out examples of an owner do not speak
// for the same owner: otherwise random bytes would be worth what they teach about random bytes.
// Under AdamW and Muon the credit is an estimate; contribution_test.cpp holds it to leave-one-out.
//
// Linear credit doubles when a text is brought twice; originality.hpp takes that out at payment.
//
// Cost of a measured step, in gradients of a batch: 1 + (1 + owners' own share) * held-out rows /
// batch rows. With one step in `every` measured the others cost nothing; a held-out set of half a
// batch and every 40 make 5 % of a run's time. Memory: three lists of floats.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "train/payload.hpp"

namespace mutirao::train {

// The gradient of the mean loss of `rows` examples at the model's present parameters, and the loss.
using Gradient =
    std::function<Result<float>(std::uint32_t rows, ByteSpan examples, std::span<float> out)>;

// Examples of equal size one after another, and the index of each one's owner.
struct OwnedExamples {
    ByteSpan bytes;
    std::span<const std::uint32_t> owners;
};
inline constexpr std::uint32_t kNobody = 0xffffffff;  // an owner that earns nothing: a builder

// Credits are whole numbers of this many nats, so that every peer adds up the same.
inline constexpr double kCreditUnit = 1e-12;

// What is to be measured of one owner's examples of a step: those, and its own held-out ones, if
// they do not speak for it.
struct OwnerPart {
    std::uint32_t owner = 0;
    std::uint32_t rows = 0, own_rows = 0;
    Bytes examples, own_examples;
};
// Of each owner that earns, ascending. Errors as ContributionMeter::measure()'s.
Result<std::vector<OwnerPart>> owner_parts(const OwnedExamples& batch,
                                           const OwnedExamples& held_out, std::size_t owners);
// What came out: the inner products of a part's gradient with the held-out one, and with that of
// its owner's own held-out examples.
struct PartProducts {
    double held_out = 0, own = 0;
};
// In index order, so that a worker that computes it again gets the same bits.
double inner_product(std::span<const float> a, std::span<const float> b);

// One worker's credits of a round. One thread at a time.
class ContributionMeter {
  public:
    // One step in `every` is measured and counts that often.
    ContributionMeter(std::uint32_t owners, std::size_t parameters, std::uint32_t every);

    bool measures(std::uint64_t step) const { return step % every_ == 0; }
    // Before the train step of `batch`, on the same parameters. The same bits from the same
    // arguments. invalid_argument when the examples and their owners do not fit one another;
    // corrupt when a gradient is not finite; and what `gradient` answers.
    Status measure(const Gradient& gradient, const OwnedExamples& batch,
                   const OwnedExamples& held_out, float learning_rate);
    // The same when the gradients are somewhere else: `products` of each of `parts`.
    Status add(std::span<const OwnerPart> parts, std::span<const PartProducts> products,
               std::size_t batch_rows, std::size_t held_out_rows, float learning_rate);
    // The credits since the last call.
    std::vector<std::int64_t> take();

  private:
    std::vector<std::int64_t> credits_;
    std::vector<float> held_out_, own_held_out_, part_;
    std::uint32_t every_;
};

// A round's credits from those of its quorum's workers, the same at every peer and in any order of
// theirs: the sum, after a report that claims more in total than the median of all (upper of two)
// is scaled down to it. Reports of one length; at least one.
std::vector<std::int64_t> merge_credits(std::span<const std::vector<std::int64_t>> reports);

inline constexpr std::uint32_t kMillion = 1'000'000;

// What to pay by, owner by owner, in parts per million that sum to exactly a million: credits above
// 0, times the owner's originality (originality.hpp, parts per million; all whole when empty).
// unavailable when nobody's credit is above 0. Integers only: the same at every peer.
Result<std::vector<std::uint32_t>> payment_weights(std::span<const std::int64_t> credits,
                                                   std::span<const std::uint32_t> originality = {});

}  // namespace mutirao::train
