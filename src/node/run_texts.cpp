#include "node/run_texts.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "dataset/prepare.hpp"
#include "dataset/text_windows.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint64_t kStretch = 1 << 20;      // of the sample, about
constexpr std::uint64_t kStretchMin = 16 << 10;  // so that small texts have a say
constexpr std::uint64_t kEncoded = 1 << 20;      // bytes of the sample, for the length of tokens
constexpr std::uint64_t kEncodedMin = 256;       // of a stretch

// Stretches of each text by its share, spread evenly: one somewhere in each of its equal parts.
std::vector<train::Stretch> sample_of(const RunObjects& owners, std::uint64_t seed) {
    std::uint64_t total = 0;
    for (const auto& owner : owners) total += owner->size();
    SeededRandom random(seed);
    std::vector<train::Stretch> out;
    for (std::uint32_t i = 0; i < owners.size(); ++i) {
        const auto size = owners[i]->size();
        const auto share = static_cast<std::uint64_t>(
            static_cast<double>(size) / static_cast<double>(total) * double{kTextSample});
        const auto count = std::max<std::uint64_t>(1, share / kStretch);
        const auto part = size / count;
        const auto length = std::min(part, std::max(share / count, kStretchMin));
        for (std::uint64_t n = 0; n < count && length > 0; ++n)
            out.push_back({i, n * part + random.below(part - length + 1), length});
    }
    return out;
}

// All of a stretch that has less than two line ends.
ByteSpan whole_lines(ByteSpan stretch) {
    const auto first = as_text(stretch).find('\n'), last = as_text(stretch).rfind('\n');
    return first == last ? stretch : stretch.subspan(first + 1, last - first);
}

// Of the texts' bytes that an example is made of.
std::uint32_t bytes_used(const model::GptConfig& config, const model::Tokenizer& tokenizer,
                         std::span<const ByteSpan> sample) {
    const auto each = std::max(kEncodedMin, kEncoded / std::max<std::size_t>(1, sample.size()));
    std::uint64_t bytes = 0, tokens = 0;
    for (const auto stretch : sample) {
        const auto begin = stretch.first(std::min<std::size_t>(each, stretch.size()));
        bytes += begin.size();
        tokens += tokenizer.encode(begin).size();
    }
    return static_cast<std::uint32_t>((config.context + std::uint64_t{1}) * bytes /
                                      std::max<std::uint64_t>(1, tokens));
}

}  // namespace

Result<RunTexts> read_texts(const model::GptConfig& config, const RunObjects& owners,
                            std::uint64_t seed, ByteSpan preparation, const ShardPorts& ports) {
    auto stretches = sample_of(owners, seed);
    if (!preparation.empty())  // a part is enough to see how long tokens are
        for (auto& stretch : stretches)
            stretch.size =
                std::min(stretch.size, std::max(kEncodedMin, kEncoded / stretches.size()));
    std::vector<Bytes> read;
    RunShards shards(owners, ports);
    TRY_VOID(read_in_order(shards, stretches, [&](const auto&, ByteSpan bytes) -> Status {
        if (ports.is_cancelled()) return Error{ErrorKind::unavailable, "the run was cancelled"};
        read.push_back(to_bytes(whole_lines(bytes)));
        return {};
    }));
    const std::vector<ByteSpan> sample(read.begin(), read.end());
    TRY(auto learnt, dataset::tokenizer_for(config, sample, preparation));
    const auto tokenizer = std::make_shared<const model::Tokenizer>(std::move(learnt));
    return RunTexts{
        tokenizer->file(),
        {dataset::text_window(config, *tokenizer), bytes_used(config, *tokenizer, sample),
         [config, tokenizer](ByteSpan window, MutableByteSpan example) {
             dataset::make_text_example(config, *tokenizer, window, example);
         }}};
}

}  // namespace mutirao::node
