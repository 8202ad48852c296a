#include "train/privacy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace mutirao::train {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kTermsMax = 1000;

// Orders at which divergences are kept; the best one of them is within a few per cent.
std::vector<double> make_orders() {
    std::vector<double> orders;
    for (int i = 1; i < 100; ++i) orders.push_back(1 + i / 10.0);
    for (int i = 11; i < 64; ++i) orders.push_back(i);
    for (const double order : {128.0, 256.0, 512.0, 1024.0}) orders.push_back(order);
    return orders;
}
const std::vector<double>& orders() {
    static const auto all = make_orders();
    return all;
}

double log_add(double a, double b) {
    if (a < b) std::swap(a, b);
    return b == -kInfinity ? a : a + std::log1p(std::exp(b - a));
}
// log(exp(a) - exp(b)); no number when that is below 0.
double log_subtract(double a, double b) {
    return b == -kInfinity ? a : a + std::log1p(-std::exp(b - a));
}

// log(erfc(x)), also where erfc is too small for a double (Abramowitz, Stegun 7.1.23).
double log_erfc(double x) {
    if (x < 25) return std::log(std::erfc(x));
    const double y = 1 / (x * x);
    return -x * x - std::log(x) - 0.5 * std::log(std::numbers::pi) - 0.5 * y + 0.625 * y * y;
}

// log A of section 3.3 of arXiv 1908.10530, order a whole number.
double log_moment_whole(double share, double noise, std::uint64_t order) {
    double log_a = -kInfinity, log_binomial = 0;
    for (std::uint64_t i = 0; i <= order; ++i) {
        const auto k = static_cast<double>(i), n = static_cast<double>(order);
        const double term = log_binomial + k * std::log(share) + (n - k) * std::log1p(-share) +
                            (k * k - k) / (2 * noise * noise);
        log_a = log_add(log_a, term);
        log_binomial += std::log((n - k) / (k + 1));
    }
    return log_a;
}

// The same for any order above 1: two series, one on each side of z0. Infinite, so that the order
// is passed over, when they do not converge.
double log_moment(double share, double noise, double order) {
    double log_a0 = -kInfinity, log_a1 = -kInfinity;
    const double z0 = noise * noise * std::log(1 / share - 1) + 0.5;
    double log_binomial = 0;  // of its absolute value
    bool positive = true;
    for (int i = 0; i < kTermsMax; ++i) {
        const double k = i, rest = order - k;
        const double t0 = log_binomial + k * std::log(share) + rest * std::log1p(-share);
        const double t1 = log_binomial + rest * std::log(share) + k * std::log1p(-share);
        const double root = std::numbers::sqrt2 * noise;
        const double e0 = std::log(0.5) + log_erfc((k - z0) / root);
        const double e1 = std::log(0.5) + log_erfc((z0 - rest) / root);
        const double s0 = t0 + (k * k - k) / (2 * noise * noise) + e0;
        const double s1 = t1 + (rest * rest - rest) / (2 * noise * noise) + e1;
        if (positive) {
            log_a0 = log_add(log_a0, s0);
            log_a1 = log_add(log_a1, s1);
        } else {
            log_a0 = log_subtract(log_a0, s0);
            log_a1 = log_subtract(log_a1, s1);
        }
        if (k > order && std::max(s0, s1) < -30) {
            const double log_a = log_add(log_a0, log_a1);
            return std::isnan(log_a) ? kInfinity : log_a;
        }
        const double ratio = rest / (k + 1);
        if (ratio < 0) positive = !positive;
        log_binomial += std::log(std::abs(ratio));
    }
    return kInfinity;
}

double divergence(double noise, double share, double order) {
    if (share == 0) return 0;
    if (noise == 0) return kInfinity;
    if (share == 1) return order / (2 * noise * noise);
    const double log_a = order == std::floor(order)
                             ? log_moment_whole(share, noise, static_cast<std::uint64_t>(order))
                             : log_moment(share, noise, order);
    return log_a / (order - 1);
}

}  // namespace

Status PrivacySettings::validate() const {
    if (!(clip >= 0 && clip <= 1e6f) || !(noise >= 0 && noise <= 1e6f) || (clip == 0 && noise != 0))
        return Error{ErrorKind::invalid_argument,
                     "privacy: the clip is from 0 to a million, and so is the noise, which needs a "
                     "clip"};
    if (!(delta > 0 && delta < 1))
        return Error{ErrorKind::invalid_argument, "privacy: delta is between 0 and 1"};
    return {};
}

void clip_length(std::span<float> values, float longest) {
    double sum = 0;
    for (const float value : values) sum += static_cast<double>(value) * value;
    const double length = std::sqrt(sum);
    if (length <= longest) return;
    // Rounding must not leave it longer.
    const auto scale = static_cast<float>(longest / length * (1 - 1e-6));
    for (float& value : values) value *= scale;
}

void add_gaussian_noise(std::span<float> values, double deviation, Random& random) {
    constexpr double kUnit = 0x1p-53;
    for (std::size_t i = 0; i < values.size(); i += 2) {
        // In (0, 1], so that the logarithm is finite.
        const double u = (static_cast<double>(random.next_u64() >> 11) + 1) * kUnit;
        const double angle =
            2 * std::numbers::pi * static_cast<double>(random.next_u64() >> 11) * kUnit;
        const double radius = deviation * std::sqrt(-2 * std::log(u));
        values[i] += static_cast<float>(radius * std::cos(angle));
        if (i + 1 < values.size()) values[i + 1] += static_cast<float>(radius * std::sin(angle));
    }
}

PrivacyAccountant::PrivacyAccountant() : divergences_(orders().size(), 0) {}

void PrivacyAccountant::add(double noise, double share, std::uint64_t times) {
    ENSURE(noise >= 0 && share >= 0 && share <= 1);
    if (times == 0) return;
    for (std::size_t i = 0; i < divergences_.size(); ++i)
        divergences_[i] += static_cast<double>(times) * divergence(noise, share, orders()[i]);
}

double PrivacyAccountant::epsilon(double delta) const {
    ENSURE(delta > 0 && delta < 1);
    double best = kInfinity;
    for (std::size_t i = 0; i < divergences_.size(); ++i) {
        const double order = orders()[i];
        const double epsilon =
            divergences_[i] + std::log1p(-1 / order) - std::log(delta * order) / (order - 1);
        best = std::min(best, epsilon);
    }
    // Nothing was released, or next to nothing.
    const bool nothing = std::ranges::all_of(divergences_, [](double d) { return d == 0; });
    return nothing ? 0 : std::max(best, 0.0);
}

double epsilon_after(const PrivacySettings& settings, std::uint64_t rounds) {
    if (!settings.on()) return 0;
    PrivacyAccountant accountant;
    accountant.add(static_cast<double>(settings.noise), 1, rounds);
    return accountant.epsilon(static_cast<double>(settings.delta));
}

}  // namespace mutirao::train
