#include "train/contribution.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "train/sampler.hpp"

namespace mutirao::train {

namespace {

// So much a step, in units; a run's sum stays within 64 bits.
constexpr double kCreditMax = 1e12;

__extension__ typedef unsigned __int128 Wide;

Result<std::size_t> example_size(const OwnedExamples& examples, const char* what) {
    if (examples.owners.empty() || examples.bytes.size() % examples.owners.size() != 0)
        return Error{ErrorKind::invalid_argument,
                     std::string(what) + " of " + std::to_string(examples.bytes.size()) +
                         " bytes does not divide into " + std::to_string(examples.owners.size()) +
                         " examples"};
    return examples.bytes.size() / examples.owners.size();
}

// The examples of one owner.
struct Part {
    std::uint32_t rows = 0;
    Bytes bytes;
};
Part part_of(const OwnedExamples& examples, std::uint32_t owner, std::size_t size) {
    Part part;
    for (std::size_t row = 0; row < examples.owners.size(); ++row) {
        if (examples.owners[row] != owner) continue;
        const auto example = examples.bytes.subspan(row * size, size);
        part.bytes.insert(part.bytes.end(), example.begin(), example.end());
        ++part.rows;
    }
    return part;
}

std::uint64_t magnitude(std::int64_t value) {
    return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return b > 0 ? std::numeric_limits<std::int64_t>::max()
                 : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

double inner_product(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

ContributionMeter::ContributionMeter(std::uint32_t owners, std::size_t parameters,
                                     std::uint32_t every)
    : credits_(owners, 0),
      held_out_(parameters),
      own_held_out_(parameters),
      part_(parameters),
      every_(every) {
    ENSURE(owners >= 1 && owners <= kOwnersMax && every >= 1);
}

Result<std::vector<OwnerPart>> owner_parts(const OwnedExamples& batch,
                                           const OwnedExamples& held_out, std::size_t count) {
    TRY(const auto size, example_size(batch, "a batch"));
    TRY(const auto held_out_size, example_size(held_out, "a held-out set"));
    if (size != held_out_size)
        return Error{ErrorKind::invalid_argument,
                     "trained and held-out examples are of different sizes"};
    std::vector<std::uint32_t> owners(batch.owners.begin(), batch.owners.end());
    std::sort(owners.begin(), owners.end());
    owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
    std::vector<OwnerPart> out;
    for (const auto owner : owners) {
        if (owner == kNobody) continue;
        if (owner >= count)
            return Error{
                ErrorKind::invalid_argument,
                "an example is of owner " + std::to_string(owner) + " of " + std::to_string(count)};
        auto part = part_of(batch, owner, size);
        auto own = part_of(held_out, owner, size);
        // The mean over the others' held-out examples, unless there are none.
        if (own.rows == held_out.owners.size()) own = {};
        out.push_back({owner, part.rows, own.rows, std::move(part.bytes), std::move(own.bytes)});
    }
    return out;
}

Status ContributionMeter::measure(const Gradient& gradient, const OwnedExamples& batch,
                                  const OwnedExamples& held_out, float learning_rate) {
    TRY(const auto parts, owner_parts(batch, held_out, credits_.size()));
    const auto held_rows = static_cast<std::uint32_t>(held_out.owners.size());
    TRY(const auto loss, gradient(held_rows, held_out.bytes, held_out_));
    if (!std::isfinite(loss)) return Error{ErrorKind::corrupt, "the held-out loss is not finite"};
    std::vector<PartProducts> products;
    for (const auto& part : parts) {
        TRY([[maybe_unused]] const auto part_loss, gradient(part.rows, part.examples, part_));
        auto& out = products.emplace_back(inner_product(part_, held_out_), 0.0);
        if (part.own_rows == 0) continue;
        TRY([[maybe_unused]] const auto own_loss,
            gradient(part.own_rows, part.own_examples, own_held_out_));
        out.own = inner_product(part_, own_held_out_);
    }
    return add(parts, products, batch.owners.size(), held_rows, learning_rate);
}

Status ContributionMeter::add(std::span<const OwnerPart> parts,
                              std::span<const PartProducts> products, std::size_t batch_rows,
                              std::size_t held_out_rows, float learning_rate) {
    ENSURE(parts.size() == products.size());
    const auto held_rows = static_cast<double>(held_out_rows);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto& part = parts[i];
        double product = products[i].held_out;
        if (part.own_rows > 0)
            product = (held_rows * product - part.own_rows * products[i].own) /
                      (held_rows - part.own_rows);
        const double share = static_cast<double>(part.rows) / static_cast<double>(batch_rows);
        const double credit =
            static_cast<double>(learning_rate) * share * product * every_ / kCreditUnit;
        if (!std::isfinite(credit))
            return Error{ErrorKind::corrupt, "training diverged: a gradient is not finite"};
        auto& credits = credits_[part.owner];
        credits =
            saturating_add(credits, std::llround(std::clamp(credit, -kCreditMax, kCreditMax)));
    }
    return {};
}

std::vector<std::int64_t> ContributionMeter::take() {
    return std::exchange(credits_, std::vector<std::int64_t>(credits_.size(), 0));
}

std::vector<std::int64_t> merge_credits(std::span<const std::vector<std::int64_t>> reports) {
    ENSURE(!reports.empty());
    std::vector<Wide> totals;
    for (const auto& report : reports) {
        Wide total = 0;
        for (const auto credit : report) total += magnitude(credit);
        totals.push_back(total);
    }
    auto sorted = totals;
    std::sort(sorted.begin(), sorted.end());
    const Wide median = sorted[sorted.size() / 2];
    std::vector<std::int64_t> sum(reports.front().size(), 0);
    for (std::size_t k = 0; k < reports.size(); ++k) {
        ENSURE(reports[k].size() == sum.size());
        for (std::size_t i = 0; i < sum.size(); ++i) {
            std::int64_t credit = reports[k][i];
            if (totals[k] > median) {
                // A sum of up to 4096 credits has 76 bits: 12 less keep the product in 128.
                const int shift = totals[k] >> 63 ? 12 : 0;
                const Wide scaled =
                    Wide{magnitude(credit)} * (median >> shift) / (totals[k] >> shift);
                const auto whole = static_cast<std::int64_t>(
                    std::min<Wide>(scaled, std::numeric_limits<std::int64_t>::max()));
                credit = credit < 0 ? -whole : whole;
            }
            sum[i] = saturating_add(sum[i], credit);
        }
    }
    return sum;
}

Result<std::vector<std::uint32_t>> payment_weights(std::span<const std::int64_t> credits,
                                                   std::span<const std::uint32_t> originality) {
    if (!originality.empty() && originality.size() != credits.size())
        return Error{ErrorKind::invalid_argument,
                     "there are " + std::to_string(credits.size()) + " owners' credits and " +
                         std::to_string(originality.size()) + " owners' originality"};
    std::vector<Wide> earned(credits.size(), 0);
    Wide total = 0;
    for (std::size_t i = 0; i < credits.size(); ++i) {
        if (credits[i] <= 0) continue;
        earned[i] = Wide{magnitude(credits[i])} *
                    (originality.empty() ? kMillion : std::min(originality[i], kMillion));
        total += earned[i];
    }
    if (total == 0)
        return Error{ErrorKind::unavailable,
                     "no owner's data lowered the held-out loss: there is nothing to pay by"};
    // What rounding leaves goes to the largest remainders, the lower index first.
    std::vector<std::uint32_t> weights(credits.size(), 0);
    std::vector<std::pair<Wide, std::size_t>> remainders;
    std::uint32_t left = kMillion;
    for (std::size_t i = 0; i < credits.size(); ++i) {
        weights[i] = static_cast<std::uint32_t>(earned[i] * kMillion / total);
        remainders.emplace_back(earned[i] * kMillion % total, i);
        left -= weights[i];
    }
    std::sort(remainders.begin(), remainders.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    for (std::uint32_t i = 0; i < left; ++i) ++weights[remainders[i].second];
    return weights;
}

}  // namespace mutirao::train
