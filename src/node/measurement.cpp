#include "node/measurement.hpp"

#include <atomic>
#include <thread>

namespace mutirao::node {
namespace {

constexpr std::size_t kPiece = 4 << 20;  // bytes of content, written again and again
constexpr std::size_t kFailuresKept = 5;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Error busy() { return {ErrorKind::unavailable, "another measurement is running"}; }

}  // namespace

Result<Measurement::Written> Measurement::write_one(std::uint64_t size, ByteSpan content) {
    const auto key = random_.fixed<crypto::Key>();
    publish::ObjectWriter writer(publishing_, packer_, key);
    for (std::uint64_t done = 0; done < size;) {
        const auto part = std::min<std::uint64_t>(content.size(), size - done);
        TRY_VOID(writer.append(content.first(part)));
        done += part;
    }
    TRY(auto manifest, writer.finish());
    return Written{std::move(manifest), key};
}

Result<Measured> Measurement::write(std::uint64_t size, std::uint32_t count,
                                    std::uint32_t threads) {
    if (size > kMeasuredSizeMax || count == 0 || count > kMeasuredCountMax || threads == 0 ||
        threads > kMeasuredThreadsMax)
        return Error{ErrorKind::invalid_argument, "this is more, or less, than can be measured"};
    const std::unique_lock lock(running_, std::try_to_lock);
    if (!lock) return busy();
    Bytes content(std::min<std::uint64_t>(kPiece, std::max<std::uint64_t>(size, 1)));
    random_.fill(content);
    Measured out;
    out.samples_ms.resize(count);
    std::atomic<std::uint32_t> next = 0;
    std::mutex mutex;  // guards last_, failures and bytes
    const auto work = [&] {
        for (auto i = next++; i < count; i = next++) {
            const auto begun = clock_.monotonic();
            auto written = write_one(size, content);
            out.samples_ms[i] = seconds(clock_.monotonic() - begun) * 1e3;
            const std::lock_guard guard(mutex);
            if (written.ok()) {
                out.bytes += size;
                last_ = std::move(*written);
            } else if (out.failures.size() < kFailuresKept) {
                out.failures.push_back(written.error().message);
            }
        }
    };
    const auto begun = clock_.monotonic();
    std::vector<std::thread> others;
    for (std::uint32_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(work);
    work();
    for (auto& thread : others) thread.join();
    out.seconds = seconds(clock_.monotonic() - begun);
    return out;
}

Result<Measured> Measurement::read(std::uint32_t count) {
    if (count == 0 || count > kMeasuredCountMax)
        return Error{ErrorKind::invalid_argument, "this is more, or less, than can be measured"};
    const std::unique_lock lock(running_, std::try_to_lock);
    if (!lock) return busy();
    if (!last_) return Error{ErrorKind::not_found, "nothing was written that could be read"};
    TRY(auto committee, publishing_.committee());
    Measured out;
    const auto begun = clock_.monotonic();
    for (std::uint32_t i = 0; i < count; ++i)
        for (std::uint32_t index = 0; index < last_->manifest.blocks.size(); ++index) {
            const auto from = clock_.monotonic();
            TRY(auto block,
                publish::read_block(retriever_, committee, last_->manifest, index, last_->key));
            out.samples_ms.push_back(seconds(clock_.monotonic() - from) * 1e3);
            out.bytes += block.plain.size();
            for (const auto& failure : block.read.failures)
                if (out.failures.size() < kFailuresKept)
                    out.failures.push_back(failure.node.hex() + ": " + failure.error.message);
        }
    out.seconds = seconds(clock_.monotonic() - begun);
    return out;
}

}  // namespace mutirao::node
