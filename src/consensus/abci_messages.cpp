#include "consensus/abci_messages.hpp"

#include "consensus/block.hpp"

namespace mutirao::consensus {
namespace {

Result<std::uint64_t> read_time(ByteSpan timestamp) {
    std::uint64_t seconds = 0, nanos = 0;
    TRY_VOID(each_field(timestamp, [&](const WireField& field) {
        if (field.number == 1) seconds = field.value;
        if (field.number == 2) nanos = field.value;
    }));
    if (seconds > 1ULL << 40 || nanos >= 1'000'000'000)
        return Error{ErrorKind::corrupt, "a block's time is out of range"};
    return seconds * 1000 + nanos / 1'000'000;
}

// Misbehavior: CometBFT proved it, and all validators agreed that it is proven.
Result<Fault> read_fault(ByteSpan message) {
    Fault out;
    std::uint64_t type = 0;
    ByteSpan validator;
    TRY_VOID(each_field(message, [&](const WireField& field) {
        if (field.number == 1) type = field.value;
        if (field.number == 2) validator = field.bytes;
        if (field.number == 3) out.height = field.value;
    }));
    if (type == 0 || type > static_cast<std::uint64_t>(FaultKind::last_))
        return Error{ErrorKind::corrupt, "a misbehaviour of an unknown type"};
    out.kind = static_cast<FaultKind>(type);
    TRY(auto address, bytes_field(validator, 1));
    TRY(out.validator, Address::from_bytes(address));
    return out;
}

}  // namespace

Result<ByteSpan> bytes_field(ByteSpan body, std::uint32_t number) {
    ByteSpan out;
    TRY_VOID(each_field(body, [&](const WireField& field) {
        if (field.number == number) out = field.bytes;
    }));
    return out;
}

Result<std::uint64_t> number_field(ByteSpan body, std::uint32_t number) {
    std::uint64_t out = 0;
    TRY_VOID(each_field(body, [&](const WireField& field) {
        if (field.number == number && !field.is_bytes) out = field.value;
    }));
    return out;
}

Result<Proposal> read_proposal(ByteSpan body) {
    Proposal out;
    ByteSpan time;
    std::vector<ByteSpan> misbehaviour;
    TRY_VOID(each_field(body, [&](const WireField& field) {
        if (field.number == 1 && field.is_bytes) out.transactions.push_back(to_bytes(field.bytes));
        if (field.number == 3) misbehaviour.push_back(field.bytes);
        if (field.number == 5) out.height = field.value;
        if (field.number == 6) time = field.bytes;
    }));
    TRY(out.time_ms, read_time(time));
    if (misbehaviour.size() > kBlockFaultsMax)
        return Error{ErrorKind::corrupt, "a block that proves too many faults"};
    for (const auto& message : misbehaviour) {
        TRY(const auto fault, read_fault(message));
        out.faults.push_back(fault);
    }
    return out;
}

std::vector<ByteSpan> transactions_in(AbciCall call, ByteSpan body) {
    std::vector<ByteSpan> out;
    const bool brings = call == AbciCall::check_tx || call == AbciCall::insert_tx ||
                        call == AbciCall::process_proposal || call == AbciCall::finalize_block;
    if (!brings) return out;
    // What is no message is refused later, in words.
    (void)each_field(body, [&](const WireField& field) {
        if (field.number == 1 && field.is_bytes) out.push_back(field.bytes);
    });
    return out;
}

}  // namespace mutirao::consensus
