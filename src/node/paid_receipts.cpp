#include "node/paid_receipts.hpp"

#include "base/codec.hpp"
#include "base/log.hpp"

namespace mutirao::node {
namespace {

constexpr std::string_view kFolder = "receipts";
constexpr auto kAskInterval = std::chrono::seconds(10);
constexpr auto kCleanInterval = std::chrono::hours(1);
constexpr std::size_t kFileSize = 8 + compute::Receipt::kSize;  // when it was kept, the receipt
constexpr std::size_t kDisputesAtOnce = 64;

std::string path_of(std::string_view name) {
    return std::string(kFolder) + "/" + std::string(name);
}

bool is_due(Duration& last, Duration now, Duration interval) {
    if (last >= Duration{0} && now - last < interval) return false;
    last = now;
    return true;
}

}  // namespace

Status PaidReceipts::keep(const ledger::Voucher& voucher, const compute::Receipt& receipt) {
    const auto bytes = Writer().u(clock_.unix_ms()).raw(receipt.encode()).bytes();
    return disk_.write_file_atomic(path_of(voucher.hash().hex()), bytes);
}

Status PaidReceipts::tend() {
    const auto now = clock_.monotonic();
    if (is_due(cleaned_, now, kCleanInterval)) TRY_VOID(forget_old());
    if (!is_due(asked_, now, kAskInterval)) return {};
    TRY(const auto disputes,
        ledger::read_all<ledger::Dispute>(ledger_, ledger::key::disputes_of(sender_.address()),
                                          kDisputesAtOnce));
    for (const auto& dispute : disputes) {
        if (dispute.state != ledger::DisputeState::open) continue;
        if (const auto answered = answer(dispute); !answered.ok())
            LOG_ERROR("dispute " + dispute.id.hex() +
                      " is not answered: " + answered.error().message);
    }
    return {};
}

Status PaidReceipts::answer(const ledger::Dispute& dispute) {
    TRY(const auto bytes, disk_.read_file(path_of(dispute.id.hex()), kFileSize));
    Reader in(bytes);
    TRY_VOID(in.u<std::uint64_t>());
    TRY(const auto encoded, in.raw(compute::Receipt::kSize));
    TRY(const auto receipt, compute::Receipt::decode(encoded));
    TRY_VOID(sender_.send(ledger::answer_dispute(dispute.id, receipt)));
    LOG_INFO("dispute " + dispute.id.hex() + " was answered with its receipt");
    return {};
}

Status PaidReceipts::forget_old() {
    TRY(const auto names, disk_.list(kFolder));
    for (const auto& name : names) {
        TRY(const auto bytes, disk_.read_file(path_of(name), kFileSize));
        TRY(const auto kept_ms, Reader(bytes).u<std::uint64_t>());
        if (kept_ms + kReceiptKeptMs < clock_.unix_ms()) TRY_VOID(disk_.remove(path_of(name)));
    }
    return {};
}

}  // namespace mutirao::node
