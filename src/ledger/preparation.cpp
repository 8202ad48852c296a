#include "ledger/preparation.hpp"

#include "ledger/abi.hpp"
#include "ledger/admission.hpp"
#include "ledger/evidence.hpp"
#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kTogether = 64;  // certificates to one equation
constexpr std::size_t kTask = 8;       // transactions to a task

void prepare_vouchers(const Genesis& genesis, Memo& memo, const Transaction& tx) {
    const auto selector = abi::selector_of(tx.data);
    if (!selector) return;
    abi::Reader in(ByteSpan(tx.data).subspan(abi::kSelectorSize));
    std::vector<Bytes> found;
    if (selector == abi::selector(signature::kSettle)) {
        if (auto one = in.bytes(kVoucherSizeMax); one.ok()) found.push_back(std::move(*one));
    } else if (selector == abi::selector(signature::kSettleAll)) {
        if (auto many = in.bytes_list(kVouchersMax, kVoucherSizeMax); many.ok())
            found = std::move(*many);
    }
    for (const auto& bytes : found)
        if (const auto voucher = Voucher::decode(bytes); voucher.ok())
            static_cast<void>(verify_voucher(memo, genesis.chain_id, *voucher));
}

void append_certificates(const Transaction& tx, std::vector<block::Certificate>& out) {
    const auto selector = abi::selector_of(tx.data);
    abi::Reader in(ByteSpan(tx.data).subspan(abi::kSelectorSize));
    std::vector<Bytes> found;
    if (selector == abi::selector(signature::kCertify)) {
        if (auto one = in.bytes(kCertificateSizeMax); one.ok()) found.push_back(std::move(*one));
    } else if (selector == abi::selector(signature::kCertifyAll)) {
        if (auto many = in.bytes_list(kCertificatesMax, kCertificateSizeMax); many.ok())
            found = std::move(*many);
    }
    for (const auto& bytes : found)
        if (auto certificate = block::Certificate::decode(bytes); certificate.ok())
            out.push_back(std::move(*certificate));
}

}  // namespace

void prepare(const Genesis& genesis, Memo& memo, std::span<const ByteSpan> transactions,
             const Threads& threads) {
    std::vector<AdmittedPtr> admitted(transactions.size());
    run_parallel(threads, (transactions.size() + kTask - 1) / kTask, [&](unsigned, std::size_t at) {
        const auto end = std::min((at + 1) * kTask, transactions.size());
        for (auto i = at * kTask; i < end; ++i) {
            auto one = admit(genesis, memo, transactions[i]);
            if (!one.ok()) continue;
            admitted[i] = std::move(*one);
            const auto& tx = admitted[i]->tx;
            if (tx.to == module::compute()) prepare_vouchers(genesis, memo, tx);
        }
    });
    std::vector<block::Certificate> certificates;
    for (const auto& one : admitted)
        if (one != nullptr && one->tx.to == module::storage() && abi::selector_of(one->tx.data))
            append_certificates(one->tx, certificates);
    run_parallel(threads, (certificates.size() + kTogether - 1) / kTogether,
                 [&](unsigned, std::size_t at) {
                     const auto all = std::span<const block::Certificate>(certificates);
                     const auto first = at * kTogether;
                     verify_together(memo, genesis.chain_id,
                                     all.subspan(first, std::min(kTogether, all.size() - first)));
                 });
}

}  // namespace mutirao::ledger
