#include "coding/code_measures.hpp"

#include <cstring>

#include "block/coded_rows.hpp"
#include "coding/sample.hpp"
#include "coding/second_thread.hpp"
#include "crypto/hash.hpp"

namespace mutirao::bench {
namespace {

constexpr Goal ratio_of(double number) { return {Goal::Of::ratio_at_least, number}; }
constexpr Goal value_of(double number) { return {Goal::Of::value_at_least, number}; }

// A goal for every row whose peer's name begins so.
void aim(std::vector<Row>& rows, std::string_view peer, const Goal& goal) {
    for (auto& row : rows)
        if (row.peer.starts_with(peer)) row.goal = goal;
}

void append(std::vector<Row>& all, std::vector<Row> some) {
    for (auto& row : some) all.push_back(std::move(row));
}

// One code of ours over the block, with room for its parity.
class OwnCode {
  public:
    OwnCode(const coding::Shape& shape, ByteSpan data)
        : shape_(shape), data_(data), room_(touched_room(shape.parity_size())) {
        coding::encode(shape_, data_, parity());
        // The parity alone gives the data back; later rounds have to make the same parity.
        auto decoded = touched_room(data.size());
        std::vector<coding::Row> rows;
        for (std::uint32_t i = 0; i < shape.rows - shape.data_rows; ++i)
            rows.push_back({shape.data_rows + i,
                            parity().subspan(std::size_t{i} * shape.row_size, shape.row_size)});
        ENSURE(coding::decode(shape_, rows, decoded.span()).ok());
        ENSURE(std::memcmp(decoded.span().data(), data.data(), data.size()) == 0,
               "parity alone does not give the data back");
        checked_ = crypto::blake3(parity());
    }

    MutableByteSpan parity() { return room_.span(); }

    Contestant encoder(const std::string& name = "Mutirão", const Threads& threads = {}) {
        return {name, [this, threads]() -> Result<double> {
                    const double ms =
                        timed_ms([&] { coding::encode(shape_, data_, parity(), threads); });
                    ENSURE(crypto::blake3(parity()) == checked_, "other parity than before");
                    return ms;
                }};
    }
    Contestant encoder_with_hashes(const std::string& name = "Mutirão",
                                   const Threads& threads = {}) {
        return {name, [this, threads]() -> Result<double> {
                    std::vector<Digest> digests;
                    const double ms = timed_ms([&] {
                        digests = block::encode_and_hash(shape_, data_, parity(), threads);
                    });
                    ENSURE(crypto::blake3(parity()) == checked_, "other parity than before");
                    const auto size = shape_.row_size;
                    ENSURE(digests.size() == shape_.rows &&
                               digests.front() == block::row_digest(data_.first(size)) &&
                               digests.back() == block::row_digest(parity().last(size)),
                           "a row's digest is wrong");
                    return ms;
                }};
    }
    Contestant decoder(const std::vector<std::uint32_t>& lost) {
        decoded_ = touched_room(data_.size());
        return {"Mutirão", [this, rows = surviving_rows(shape_, data_, parity(), lost)] {
                    return decode(rows);
                }};
    }

    Contestant repairer(const std::vector<std::uint32_t>& lost) {
        decoded_ = touched_room(lost.size() * shape_.row_size);
        return {"Mutirão", [this, lost, rows = surviving_rows(shape_, data_, parity(), lost)] {
                    return repair(rows, lost);
                }};
    }

  private:
    Result<double> repair(const std::vector<coding::Row>& rows,
                          const std::vector<std::uint32_t>& lost) {
        const auto out = decoded_.span();
        std::memset(out.data(), 1, out.size());
        const double ms = timed_ms(
            [&] { ENSURE(coding::repair(shape_, rows, lost, out).ok(), "repair failed"); });
        const std::size_t size = shape_.row_size;
        for (std::size_t i = 0; i < lost.size(); ++i) {
            const bool is_data = lost[i] < shape_.data_rows;
            const auto want = is_data
                                  ? data_.subspan(lost[i] * size)
                                  : ByteSpan(parity()).subspan((lost[i] - shape_.data_rows) * size);
            ENSURE(std::memcmp(out.data() + i * size, want.data(), size) == 0,
                   "a repaired row is another one");
        }
        return ms;
    }
    Result<double> decode(const std::vector<coding::Row>& rows) {
        const auto out = decoded_.span();
        std::memset(out.data(), 1, out.size());
        const double ms =
            timed_ms([&] { ENSURE(coding::decode(shape_, rows, out).ok(), "decode failed"); });
        ENSURE(std::memcmp(out.data(), data_.data(), data_.size()) == 0,
               "decode gave back something else");
        return ms;
    }

    coding::Shape shape_;
    ByteSpan data_;
    coding::RowBuffer room_;  // parity
    coding::RowBuffer decoded_;
    Digest checked_;
};

Contestant copier(ByteSpan data, coding::RowBuffer& room) {
    return {"memcpy of the data", [data, &room]() -> Result<double> {
                const auto to = room.span();
                const double ms =
                    timed_ms([&] { std::memcpy(to.data(), data.data(), data.size()); });
                ENSURE(to.back() == data.back(), "memcpy was left out");
                return ms;
            }};
}

// reed-solomon-simd in one call and in stripes: whichever is faster counts.
void add_widely_known(std::vector<Contestant>& contestants, Peers& peers,
                      const std::string& request) {
    contestants.push_back(peers.contestant("reed-solomon-simd", request));
    contestants.push_back(peers.contestant("reed-solomon-simd", request + " stripe=4096"));
    contestants.push_back(peers.contestant("klauspost", request));
}

std::vector<Row> encode_twofold(ByteSpan data, Peers& peers, int rounds) {
    const auto shape = block_shape(1024, 2048);
    OwnCode code(shape, data);
    std::vector<Contestant> contestants{code.encoder()};
    contestants.push_back(peers.contestant("leopard", peer_request("encode", shape)));
    add_widely_known(contestants, peers, peer_request("encode", shape));
    for (const std::uint32_t narrow : {16u, 64u}) {
        const std::uint32_t parity = narrow == 16 ? 8 : 64;
        const auto request = peer_request("encode", block_shape(narrow, narrow + parity));
        contestants.push_back(peers.contestant(
            "isal", request, ", " + std::to_string(narrow) + "+" + std::to_string(parity)));
    }
    auto rows = speed_rows("encode 1024 to 2048 rows", data.size(), compete(contestants, rounds));
    aim(rows, "Leopard", ratio_of(2.5));
    aim(rows, "reed-solomon-simd", ratio_of(2.5));
    rows.back().note += rows.back().note.empty() ? "" : "; ";
    rows.back().note += "ISA-L has no more than 256 rows: a ceiling for narrow codes, no rival";
    return rows;
}

}  // namespace

std::vector<Row> thread_measures(ByteSpan data, int rounds) {
    SecondThread second;
    OwnCode code(block_shape(1024, 3072), data);
    rounds *= 3;  // it takes two idle CPUs at the same moment
    auto rows = speed_rows("encode and hash on two threads", data.size(),
                           compete({code.encoder_with_hashes("Mutirão", {&second, 2}),
                                    code.encoder_with_hashes("Mutirão, one thread")},
                                   rounds));
    aim(rows, "Mutirão, one thread", ratio_of(1.8));
    return rows;
}

std::vector<Row> encode_measures(ByteSpan data, Peers& peers, int rounds) {
    auto all = encode_twofold(data, peers, rounds);
    {
        const auto shape = block_shape(1024, 3072);
        OwnCode code(shape, data);
        auto room = touched_room(data.size());
        std::vector<Contestant> contestants{code.encoder(), copier(data, room)};
        add_widely_known(contestants, peers, peer_request("encode", shape));
        auto rows =
            speed_rows("encode 1024 to 3072 rows", data.size(), compete(contestants, rounds));
        rows.front().goal = value_of(2800);
        append(all, rows);
        rows = speed_rows("encode 1024 to 3072 and hash all rows", data.size(),
                          compete({code.encoder_with_hashes()}, rounds));
        rows.front().goal = value_of(1200);
        append(all, rows);
    }
    const auto shape = block_shape(4096, 16384);
    OwnCode code(shape, data);
    std::vector<Contestant> contestants{code.encoder()};
    add_widely_known(contestants, peers, peer_request("encode", shape));
    append(all, speed_rows("encode 4096 to 16384 rows (profile S)", data.size(),
                           compete(contestants, std::min(rounds, 5))));
    return all;
}

std::vector<Row> decode_measures(ByteSpan data, Peers& peers, int rounds) {
    std::vector<Row> all;
    for (const std::uint32_t rows_count : {2048u, 3072u}) {
        const auto shape = block_shape(1024, rows_count);
        const auto lost = lost_third(shape.rows);
        const auto request = peer_request("decode", shape, lost);
        OwnCode code(shape, data);
        std::vector<Contestant> contestants{code.decoder(lost)};
        if (rows_count == 2048) contestants.push_back(peers.contestant("leopard", request));
        add_widely_known(contestants, peers, request);
        auto rows = speed_rows("decode, a third of " + std::to_string(rows_count) + " rows lost",
                               data.size(), compete(contestants, rounds));
        aim(rows, "Leopard", ratio_of(1.5));
        append(all, rows);
    }
    const auto shape = block_shape(1024, 3072);
    const auto lost = lost_slot(shape.rows);
    OwnCode code(shape, data);
    std::vector<Contestant> contestants{code.repairer(lost)};
    add_widely_known(contestants, peers, peer_request("decode", shape, lost));
    auto rows = time_rows("repair one slot: 12 of 3072 rows", compete(contestants, rounds));
    if (rows.back().peer_value) rows.back().note = "peers rebuild the 4 data rows of the slot only";
    append(all, rows);
    return all;
}

}  // namespace mutirao::bench
