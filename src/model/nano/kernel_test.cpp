// Every form of the kernels against plain double-precision formulas, at sizes around a vector's.
#include "model/nano/kernel.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::model::nano {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 48, 100, 256};
constexpr float kEpsilon = 1e-5f;

using Floats = std::vector<float>;

Floats noise(std::size_t size, std::uint64_t seed, float spread = 2) {
    SeededRandom random(seed);
    Floats values(size);
    for (auto& value : values)
        value = (static_cast<float>(random.below(20001)) / 10000 - 1) * spread;
    return values;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

class NanoKernels : public testing::TestWithParam<const Kernels*> {
  protected:
    const Kernels& kernels = *GetParam();
};
INSTANTIATE_TEST_SUITE_P(All, NanoKernels, testing::ValuesIn(available_kernels()),
                         [](const auto& info) { return info.param->name; });

TEST_P(NanoKernels, rms_norm_and_its_gradient) {
    for (const auto size : kSizes) {
        const auto x = noise(size, 1), weight = noise(size, 2), dout = noise(size, 3);
        auto norm = [&](const std::vector<double>& at) {  // sum(out * dout)
            double squares = 0, sum = 0;
            for (const double value : at) squares += value * value;
            const double r = 1 / std::sqrt(squares / static_cast<double>(size) + kEpsilon);
            for (std::size_t i = 0; i < size; ++i) sum += at[i] * r * weight[i] * dout[i];
            return sum;
        };
        Floats out(size), dx(size, 1), dweight(size, 1);
        const float r = kernels.rms_norm(x.data(), weight.data(), out.data(), size, kEpsilon);
        kernels.rms_norm_backward(x.data(), weight.data(), r, dout.data(), dx.data(),
                                  dweight.data(), size);
        std::vector<double> at(x.begin(), x.end());
        double sum = 0;
        for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(out[i]) * dout[i];
        EXPECT_NEAR(sum, norm(at), 1e-4);
        for (std::size_t i = 0; i < size; ++i) {
            EXPECT_NEAR(dweight[i] - 1, x[i] * r * dout[i], 1e-5);
            at[i] += 1e-4;
            const double ahead = norm(at);
            at[i] -= 2e-4;
            EXPECT_NEAR(dx[i] - 1, (ahead - norm(at)) / 2e-4, 2e-4 * (1 + std::abs(dx[i])));
            at[i] += 1e-4;
        }
    }
}

TEST_P(NanoKernels, softmax_and_its_gradient) {
    for (const auto size : kSizes)
        for (const float spread : {2.0f, 200.0f}) {
            const auto in = noise(size, 4, spread), d = noise(size, 5);
            double total = 0, mean = 0;
            const float top = *std::max_element(in.begin(), in.end());
            std::vector<double> wanted;
            for (const float v : in) total += std::exp(0.5 * (v - top));
            for (const float v : in) wanted.push_back(std::exp(0.5 * (v - top)) / total);
            Floats shares = in, back = d;
            kernels.softmax(shares.data(), size, 0.5f);
            kernels.softmax_backward(shares.data(), back.data(), size, 0.5f);
            for (std::size_t i = 0; i < size; ++i) mean += wanted[i] * d[i];
            for (std::size_t i = 0; i < size; ++i) {
                EXPECT_NEAR(shares[i], wanted[i], 2e-6 * wanted[i] + 1e-30);
                EXPECT_NEAR(back[i], 0.5 * wanted[i] * (d[i] - mean), 1e-5);
            }
        }
}

TEST_P(NanoKernels, swiglu_and_its_gradient_even_where_exp_ends) {
    for (const auto size : kSizes)
        for (const float spread : {3.0f, 300.0f}) {
            const auto gate = noise(size, 6, spread), up = noise(size, 7), d = noise(size, 8);
            Floats out(size), dgate(size), dup(size);
            kernels.swiglu(gate.data(), up.data(), out.data(), size);
            kernels.swiglu_backward(gate.data(), up.data(), d.data(), dgate.data(), dup.data(),
                                    size);
            for (std::size_t i = 0; i < size; ++i) {
                const double g = gate[i], s = sigmoid(g);
                EXPECT_NEAR(out[i], g * s * up[i], 1e-6 * spread);
                EXPECT_NEAR(dup[i], d[i] * g * s, 1e-6 * spread);
                EXPECT_NEAR(dgate[i], d[i] * up[i] * s * (1 + g * (1 - s)), 4e-6 * spread);
            }
        }
}

TEST_P(NanoKernels, turning_back_undoes_turning) {
    for (const auto size : kSizes) {
        const auto angles = noise(size, 9), before = noise(2 * size, 10);
        Floats cosines, sines, x = before;
        for (const float angle : angles) {
            cosines.push_back(std::cos(angle));
            sines.push_back(std::sin(angle));
        }
        kernels.rotate(x.data(), cosines.data(), sines.data(), size);
        for (std::size_t i = 0; i < size; ++i)
            EXPECT_NEAR(x[i], before[i] * cosines[i] - before[size + i] * sines[i], 1e-6);
        kernels.rotate_back(x.data(), cosines.data(), sines.data(), size);
        for (std::size_t i = 0; i < 2 * size; ++i) EXPECT_NEAR(x[i], before[i], 1e-6);
    }
}

TEST_P(NanoKernels, cross_entropy_and_its_gradient) {
    for (const auto size : kSizes) {
        const auto in = noise(size, 11, 20);
        const std::size_t answer = size / 2;
        double total = 0;
        for (const float v : in) total += std::exp(static_cast<double>(v));
        Floats scores = in;
        EXPECT_NEAR(kernels.cross_entropy(scores.data(), size, answer, 3),
                    std::log(total) - in[answer], 1e-5);
        for (std::size_t i = 0; i < size; ++i)
            EXPECT_NEAR(scores[i],
                        3 * (std::exp(static_cast<double>(in[i])) / total - (i == answer)), 1e-5);
    }
}

TEST_P(NanoKernels, values_that_are_no_numbers_stay_visible) {
    for (const auto size : kSizes) {
        Floats scores = noise(size, 12);
        scores[size - 1] = std::numeric_limits<float>::quiet_NaN();
        EXPECT_TRUE(std::isnan(kernels.cross_entropy(scores.data(), size, 0, 1)));
        scores = noise(size, 12);
        scores[size - 1] = std::numeric_limits<float>::infinity();
        EXPECT_FALSE(std::isfinite(kernels.cross_entropy(scores.data(), size, 0, 1)));
    }
}

TEST_P(NanoKernels, sums_and_steps_of_the_optimizers) {
    for (const std::size_t size : {1u, 5u, 16u, 33u, 3000u}) {
        const auto x = noise(size, 13), y = noise(size, 14), m = noise(size, 15);
        Floats v = noise(size, 16);
        for (auto& value : v) value *= value;
        double squares = 0;
        for (const float value : x) squares += static_cast<double>(value) * value;
        EXPECT_NEAR(kernels.square_sum(x.data(), size), squares, 1e-5 * squares);

        Floats sum = x, kept = x, momentum = m, out(size), adam = x, first = m, second = v;
        kernels.add(sum.data(), y.data(), size);
        kernels.decay_subtract(kept.data(), y.data(), 0.9f, 0.2f, size);
        kernels.nesterov(momentum.data(), y.data(), 0.5f, 0.9f, out.data(), size);
        const AdamStep step{.beta1 = 0.9f,
                            .beta2 = 0.95f,
                            .keep = 0.99f,
                            .rate = 0.1f,
                            .root_correction = 0.5f,
                            .epsilon = 1e-3f};
        kernels.adamw(adam.data(), first.data(), second.data(), y.data(), 0.5f, step, size);
        for (std::size_t i = 0; i < size; ++i) {
            const double g = 0.5 * y[i], p = x[i];
            EXPECT_FLOAT_EQ(sum[i], x[i] + y[i]);
            EXPECT_NEAR(kept[i], 0.9 * p - 0.2 * y[i], 1e-6);
            EXPECT_NEAR(momentum[i], 0.9 * m[i] + g, 1e-6);
            EXPECT_NEAR(out[i], g + 0.9 * (0.9 * m[i] + g), 1e-6);
            const double a = 0.9 * m[i] + 0.1 * g, b = 0.95 * v[i] + 0.05 * g * g;
            EXPECT_NEAR(first[i], a, 1e-6);
            EXPECT_NEAR(second[i], b, 1e-6);
            EXPECT_NEAR(adam[i], 0.99 * p - 0.1 * a / (std::sqrt(b) / 0.5 + 1e-3), 2e-5);
        }
    }
}

}  // namespace
}  // namespace mutirao::model::nano
