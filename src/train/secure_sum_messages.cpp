#include <string>

#include "base/codec.hpp"
#include "crypto/aead.hpp"
#include "train/secure_sum.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 2;
enum Kind : std::uint8_t { kKeys = 0, kShares = 1, kReveal = 2, kOpened = 3 };
constexpr std::size_t kBoxSize = crypto::BoxPublicKey::kSize + 2 * 32 + crypto::kTagSize;

Error broken(const char* reason) {
    return {ErrorKind::corrupt, std::string("message of a secure sum: ") + reason};
}

Writer opened_message(Kind kind, const SumPlace& place) {
    Writer writer;
    writer.u(kVersion).u(std::uint8_t{kind}).raw(place.run.span());
    writer.u(place.round).u(place.worker);
    return writer;
}

Result<SumPlace> read_place(Reader& reader, Kind kind) {
    TRY(const auto version, reader.u<std::uint16_t>());
    TRY(const auto got_kind, reader.u<std::uint8_t>());
    if (version != kVersion) return broken("its version is not 2");
    if (got_kind != kind) return broken("it is of another kind");
    SumPlace place;
    TRY(place.run, reader.fixed<RunId>());
    TRY(place.round, reader.u<std::uint32_t>());
    TRY(place.worker, reader.u<std::uint32_t>());
    if (place.round >= kRoundsMax) return broken("its round is beyond the limit");
    if (place.worker >= kSumWorkersMax) return broken("its worker is beyond the limit");
    return place;
}

// How many entries follow, and that they are all that follows.
Result<std::uint32_t> read_count(Reader& reader, std::size_t entry_size) {
    TRY(const auto count, reader.u<std::uint32_t>());
    if (count > kSumWorkersMax || reader.remaining() != count * entry_size)
        return broken("its size does not fit its entries");
    return count;
}

// Workers ascend, so that one set has one order.
Result<std::uint32_t> read_worker(Reader& reader, std::optional<std::uint32_t> after) {
    TRY(const auto worker, reader.u<std::uint32_t>());
    if (worker >= kSumWorkersMax || (after && worker <= *after))
        return broken("its entries do not ascend");
    return worker;
}

}  // namespace

Bytes encode(const SumKeys& keys) {
    auto writer = opened_message(kKeys, keys.place);
    writer.raw(keys.box_key.span()).raw(keys.mask_key.span());
    return std::move(writer).take();
}

Bytes encode(const SumShares& shares) {
    auto writer = opened_message(kShares, shares.place);
    ENSURE(shares.seed_points.size() == shares.mask_points.size());
    writer.u(static_cast<std::uint32_t>(shares.seed_points.size()));
    for (const auto* points : {&shares.seed_points, &shares.mask_points})
        for (const auto& point : *points) writer.raw(point.span());
    writer.u(static_cast<std::uint32_t>(shares.boxes.size()));
    for (const auto& box : shares.boxes) {
        ENSURE(box.sealed.size() == kBoxSize);
        writer.u(box.to).raw(box.sealed);
    }
    return std::move(writer).take();
}

Bytes encode(const SumReveal& reveal) {
    auto writer = opened_message(kReveal, reveal.place);
    writer.u(static_cast<std::uint32_t>(reveal.opened.size()));
    for (const auto& opened : reveal.opened) {
        writer.u(opened.of).u(std::uint8_t{opened.left}).u(opened.share.index);
        writer.raw(opened.share.bytes);
    }
    return std::move(writer).take();
}

Bytes encode(const SumOpened& opened) {
    auto writer = opened_message(kOpened, opened.place);
    writer.u(static_cast<std::uint32_t>(opened.of.size()));
    for (const auto worker : opened.of) writer.u(worker);
    return std::move(writer).take();
}

Result<SumKeys> decode_sum_keys(ByteSpan bytes) {
    Reader reader(bytes);
    SumKeys keys;
    TRY(keys.place, read_place(reader, kKeys));
    TRY(keys.box_key, reader.fixed<crypto::BoxPublicKey>());
    TRY(keys.mask_key, reader.fixed<crypto::GroupPoint>());
    TRY_VOID(reader.finish());
    return keys;
}

Result<SumShares> decode_sum_shares(ByteSpan bytes) {
    Reader reader(bytes);
    SumShares shares;
    TRY(shares.place, read_place(reader, kShares));
    TRY(const auto threshold, reader.u<std::uint32_t>());
    if (threshold > kSumWorkersMax) return broken("it shows too many points");
    for (auto* points : {&shares.seed_points, &shares.mask_points})
        for (std::uint32_t i = 0; i < threshold; ++i) {
            TRY(const auto point, reader.fixed<crypto::GroupPoint>());
            points->push_back(point);
        }
    TRY(const auto count, read_count(reader, sizeof(std::uint32_t) + kBoxSize));
    std::optional<std::uint32_t> last;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(last, read_worker(reader, last));
        TRY(const auto sealed, reader.raw(kBoxSize));
        shares.boxes.push_back({*last, to_bytes(sealed)});
    }
    return shares;
}

Result<SumReveal> decode_sum_reveal(ByteSpan bytes) {
    Reader reader(bytes);
    SumReveal reveal;
    TRY(reveal.place, read_place(reader, kReveal));
    TRY(const auto count, read_count(reader, sizeof(std::uint32_t) + 1 + 1 + 32));
    std::optional<std::uint32_t> last;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(last, read_worker(reader, last));
        TRY(const auto left, reader.u<std::uint8_t>());
        if (left > 1) return broken("a worker left or did not");
        SumReveal::Opened opened{*last, left == 1, {}};
        TRY(opened.share.index, reader.u<std::uint8_t>());
        TRY(const auto share, reader.raw(opened.share.bytes.size()));
        std::copy(share.begin(), share.end(), opened.share.bytes.begin());
        if (opened.share.index == 0) return broken("a share has no number");
        reveal.opened.push_back(opened);
    }
    return reveal;
}

Result<SumOpened> decode_sum_opened(ByteSpan bytes) {
    Reader reader(bytes);
    SumOpened opened;
    TRY(opened.place, read_place(reader, kOpened));
    TRY(const auto count, read_count(reader, sizeof(std::uint32_t)));
    std::optional<std::uint32_t> last;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(last, read_worker(reader, last));
        opened.of.push_back(*last);
    }
    return opened;
}

}  // namespace mutirao::train
