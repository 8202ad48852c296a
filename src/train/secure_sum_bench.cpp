// What a secure sum costs beside a plain exchange: bytes that a worker sends, and milliseconds of
// its processor. Prints one line for each number of workers.
#include <chrono>
#include <iostream>

#include "base/random.hpp"
#include "train/merge.hpp"
#include "train/pseudo_gradient.hpp"
#include "train/secure_sum.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::train;
using Steady = std::chrono::steady_clock;

double ms_of(auto work) {
    const auto began = Steady::now();
    work();
    return std::chrono::duration<double, std::milli>(Steady::now() - began).count();
}

struct Costs {
    double keys_ms = 0, mask_ms = 0, unmask_ms = 0;
    std::size_t extra_bytes = 0;
};

// The first worker's, when `left` others send no values.
Costs measure(std::uint32_t workers, std::size_t values, std::uint32_t left) {
    SeededRandom random(1);
    const SumSettings settings{workers, workers / 2 + 1, values};
    std::vector<SecureSum> sums;
    SumTranscript said;
    Costs out;
    for (std::uint32_t i = 0; i < workers; ++i) {
        sums.push_back(SecureSum::make({{}, 0, i}, settings, random).value());
        said.keys.push_back(sums[i].keys());
    }
    out.keys_ms = ms_of([&] { said.shares.push_back(sums[0].share(said.keys, random).value()); });
    for (std::uint32_t i = 1; i < workers; ++i)
        said.shares.push_back(sums[i].share(said.keys, random).value());
    out.keys_ms += ms_of([&] {
        for (const auto& shares : said.shares) ENSURE(sums[0].check(shares).ok());
    });
    const std::vector<std::uint32_t> words(values, 7);
    std::vector<std::uint32_t> came;
    for (auto& sum : sums) ENSURE(sum.gather(said.shares).ok());
    out.mask_ms = ms_of([&] { said.values.push_back(sums[0].mask(words).value()); });
    for (std::uint32_t i = 0; i < workers - left; ++i) {
        if (i > 0) said.values.push_back(sums[i].mask(words).value());
        came.push_back(i);
    }
    for (const auto i : came) said.reveals.push_back(sums[i].reveal(came).value());
    out.unmask_ms =
        ms_of([&] { ENSURE(unmasked_sum(settings, said).value()[0] == 7 * came.size()); });
    out.extra_bytes = encode(said.keys[0]).size() + encode(said.shares[0]).size() +
                      encode(SumOpened{{}, came}).size() + encode(said.reveals[0]).size();
    return out;
}

}  // namespace

int main() {
    constexpr std::size_t kValues = 1'000'000;
    SeededRandom random(2);
    std::vector<float> values(kValues);
    for (auto& value : values) value = static_cast<float>(random.below(1000)) / 1e5f;
    const auto codec = make_codec({.kind = CodecKind::dense2}, kValues).value();
    for (const std::uint32_t workers : {4u, 8u, 16u}) {
        Bytes sent;
        const double encode_ms = ms_of([&] { sent = codec->encode(values).value(); });
        const double merge_ms = ms_of([&] {
            std::vector<std::vector<float>> deltas(workers, std::vector<float>(kValues));
            for (auto& delta : deltas) ENSURE(codec->decode(sent, delta).ok());
            ENSURE(merge(std::move(deltas), Merge::mean).size() == kValues);
        });
        const auto all = measure(workers, kValues, 0), less = measure(workers, kValues, 1);
        std::cout << workers << " workers, " << kValues << " values: dense2 " << sent.size()
                  << " bytes, encode " << encode_ms << " ms, merge " << merge_ms << " ms; secure "
                  << 4 * kValues << " + " << all.extra_bytes << " bytes, share and check "
                  << all.keys_ms << " ms, mask " << all.mask_ms << " ms, unmask " << all.unmask_ms
                  << " ms, with one gone " << less.unmask_ms << " ms\n";
    }
}
