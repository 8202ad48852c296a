#include "train/outer.hpp"

#include <bit>

#include "crypto/hash.hpp"

namespace mutirao::train {

Status OuterSettings::validate() const {
    if (!(learning_rate > 0 && learning_rate <= 10))
        return Error{ErrorKind::invalid_argument,
                     "the outer learning rate must be above 0 and at most 10"};
    if (!(momentum >= 0 && momentum < 1))
        return Error{ErrorKind::invalid_argument, "the outer momentum must be from 0 to below 1"};
    return {};
}

OuterOptimizer::OuterOptimizer(std::size_t parameters, const OuterSettings& settings)
    : momentum_(parameters, 0), settings_(settings) {}

void OuterOptimizer::step(std::span<float> parameters, std::span<const float> mean) {
    ENSURE(parameters.size() == momentum_.size() && mean.size() == momentum_.size());
    const float rate = settings_.learning_rate, mu = settings_.momentum;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        momentum_[i] = mu * momentum_[i] + mean[i];
        parameters[i] -= rate * (mean[i] + mu * momentum_[i]);
    }
}

void OuterOptimizer::set_momentum(std::span<const float> momentum) {
    ENSURE(momentum.size() == momentum_.size());
    momentum_.assign(momentum.begin(), momentum.end());
}

Digest state_hash(std::span<const float> parameters) {
    static_assert(std::endian::native == std::endian::little, "floats are hashed as they lie");
    return crypto::blake3_keyed(crypto::domain_key("training state"),
                                {reinterpret_cast<const std::uint8_t*>(parameters.data()),
                                 parameters.size() * sizeof(float)});
}

}  // namespace mutirao::train
