#include "hot/local_reader.hpp"

#include <cstring>

namespace mutirao::hot {
namespace {

constexpr auto kDeadline = std::chrono::seconds(60);  // a cold read of a block may be behind it

struct Answer {
    Bytes body;
    std::shared_ptr<const SharedBytes> memory;
};

Result<Answer> ask(LocalLine& line, const LocalRequest& request) {
    TRY(auto message, line.call(request.encode(), kDeadline));
    TRY(auto body, decode_answer(message.bytes));
    return Answer{std::move(body), std::move(message.memory)};
}

// Four quarters side by side: one core waits for memory, not for its bandwidth, and four streams
// keep more of its requests under way than one.
void copy_streams(std::uint8_t* to, const std::uint8_t* from, std::size_t size) {
    constexpr std::size_t kLine = 64;
    const std::size_t quarter = size / 4 / kLine * kLine;
    for (std::size_t at = 0; at < quarter; at += kLine)
        for (std::size_t stream = 0; stream < 4; ++stream)
            std::memcpy(to + stream * quarter + at, from + stream * quarter + at, kLine);
    std::memcpy(to + 4 * quarter, from + 4 * quarter, size - 4 * quarter);
}

constexpr std::size_t kStreamsFrom = 8 << 10;  // bytes; below, setting out costs more than it saves

}  // namespace

Status MappedShard::copy(std::size_t offset, MutableByteSpan out) const {
    const auto all = bytes();
    if (offset > all.size() || out.size() > all.size() - offset)
        return Error{ErrorKind::invalid_argument,
                     "the shard has " + std::to_string(all.size()) + " bytes"};
    if (out.size() >= kStreamsFrom)
        copy_streams(out.data(), all.data() + offset, out.size());
    else if (!out.empty())
        std::memcpy(out.data(), all.data() + offset, out.size());
    return {};
}

Result<std::unique_ptr<LocalReader>> LocalReader::greet(std::unique_ptr<LocalLine> line,
                                                        Clock& clock) {
    TRY(const auto answer, ask(*line, {}));
    TRY(const auto hello, LocalHello::decode(answer.body));
    return std::unique_ptr<LocalReader>(new LocalReader(std::move(line), clock, hello));
}

Result<std::unique_ptr<LocalObject>> LocalReader::open(ByteSpan credential) {
    if (credential.size() > kCredentialMax)
        return Error{ErrorKind::invalid_argument, "that is no signed request: it is too long"};
    TRY(const auto answer, ask(*line_, {LocalVerb::open, 0, 0, to_bytes(credential)}));
    TRY(const auto opened, LocalOpened::decode(answer.body));
    return std::make_unique<LocalObject>(line_, clock_, opened);
}

LocalObject::LocalObject(std::shared_ptr<LocalLine> line, Clock& clock, const LocalOpened& opened)
    : line_(std::move(line)),
      clock_(clock),
      opened_(opened),
      until_(clock.monotonic() + std::chrono::milliseconds(opened.life_ms)),
      table_(opened.shards) {}

LocalObject::~LocalObject() {
    // A node that has gone holds nothing for us.
    static_cast<void>(ask(*line_, {LocalVerb::close, opened_.read, 0, {}}));
}

Result<MappedShard> LocalObject::map(std::uint32_t index) {
    if (index >= opened_.shards)
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(opened_.shards) + " shards"};
    if (clock_.monotonic() >= until_)
        return Error{ErrorKind::permission_denied,
                     "this read's 15 minutes are over; open the object again"};
    {
        const std::lock_guard lock(mutex_);
        if (table_[index]) return MappedShard(table_[index]);
    }
    auto mapped = map_first_time(index);
    if (mapped.ok() || mapped.error().kind != ErrorKind::resource_exhausted) return mapped;
    release_unused();
    return map_first_time(index);
}

Result<MappedShard> LocalObject::map_first_time(std::uint32_t index) {
    const std::lock_guard asking(asking_);
    {
        const std::lock_guard lock(mutex_);  // another thread may have asked meanwhile
        if (table_[index]) return MappedShard(table_[index]);
    }
    TRY(auto answer, ask(*line_, {LocalVerb::map, opened_.read, index, {}}));
    if (!answer.memory)
        return Error{ErrorKind::corrupt, "the node handed over no memory for the shard"};
    const std::lock_guard lock(mutex_);
    table_[index] = std::move(answer.memory);
    return MappedShard(table_[index]);
}

void LocalObject::release(std::uint32_t index) {
    const std::lock_guard asking(asking_);
    {
        const std::lock_guard lock(mutex_);
        if (index >= table_.size() || !table_[index] || table_[index].use_count() > 1) return;
        table_[index].reset();
    }
    static_cast<void>(ask(*line_, {LocalVerb::release, opened_.read, index, {}}));
}

void LocalObject::release_unused() {
    for (std::uint32_t index = 0; index < opened_.shards; ++index) release(index);
}

}  // namespace mutirao::hot
