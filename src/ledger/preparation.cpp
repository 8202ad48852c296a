#include "ledger/preparation.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "ledger/abi.hpp"
#include "ledger/admission.hpp"
#include "ledger/evidence.hpp"
#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

// Certificates to one equation: as many as share well what it costs beside its terms, and no more
// than leave work for every thread.
constexpr std::size_t kTogetherMin = 64, kTogetherMax = 256;
constexpr std::size_t kTask = 32;  // transactions to a task: signers are recovered eight at once
constexpr std::size_t kFindingSize = Address::kSize + 1;

// A method that takes one thing, and its sibling that takes a list of them.
struct Methods {
    std::string_view one, many;
    std::size_t size_max, count_max;
};
constexpr Methods kSettling{signature::kSettle, signature::kSettleAll, kVoucherSizeMax,
                            kVouchersMax};
constexpr Methods kCertifying{signature::kCertify, signature::kCertifyAll, kCertificateSizeMax,
                              kCertificatesMax};

// What a call brings; nothing when it is of other methods.
std::vector<Bytes> brought_by(const Transaction& tx, const Methods& methods) {
    const auto selector = abi::selector_of(tx.data);
    if (!selector) return {};
    abi::Reader in(ByteSpan(tx.data).subspan(abi::kSelectorSize));
    if (selector == abi::selector(methods.one)) {
        if (auto one = in.bytes(methods.size_max); one.ok()) return {std::move(*one)};
    } else if (selector == abi::selector(methods.many)) {
        if (auto many = in.bytes_list(methods.count_max, methods.size_max); many.ok())
            return std::move(*many);
    }
    return {};
}

std::vector<Voucher> vouchers_in(const Transaction& tx) {
    std::vector<Voucher> out;
    if (tx.to != module::compute()) return out;
    for (const auto& bytes : brought_by(tx, kSettling))
        if (auto voucher = Voucher::decode(bytes); voucher.ok()) out.push_back(*voucher);
    return out;
}

std::vector<block::Certificate> certificates_in(const Transaction& tx) {
    std::vector<block::Certificate> out;
    if (tx.to != module::storage()) return out;
    for (const auto& bytes : brought_by(tx, kCertifying))
        if (auto certificate = block::Certificate::decode(bytes); certificate.ok())
            out.push_back(std::move(*certificate));
    return out;
}

std::vector<Digest> claims_in(const Transaction& tx) {
    std::vector<Digest> out;
    for (const auto& voucher : vouchers_in(tx)) out.push_back(claim_of(voucher));
    for (const auto& certificate : certificates_in(tx)) out.push_back(claim_of(certificate));
    return out;
}

}  // namespace

std::vector<AdmittedPtr> prepare(const Genesis& genesis, Memo& memo,
                                 std::span<const ByteSpan> transactions, const Threads& threads) {
    std::vector<AdmittedPtr> admitted(transactions.size());
    run_parallel(threads, (transactions.size() + kTask - 1) / kTask, [&](unsigned, std::size_t at) {
        const auto from = at * kTask;
        auto some = admit_each(
            genesis, memo, transactions.subspan(from, std::min(kTask, transactions.size() - from)));
        std::vector<Voucher> vouchers;
        for (std::size_t i = 0; i < some.size(); ++i) {
            if (!some[i].ok()) continue;
            admitted[from + i] = std::move(*some[i]);
            auto found = vouchers_in(admitted[from + i]->tx);
            std::move(found.begin(), found.end(), std::back_inserter(vouchers));
        }
        verify_vouchers(memo, genesis.chain_id, vouchers);
    });
    std::vector<block::Certificate> certificates;
    for (const auto& one : admitted) {
        if (one == nullptr) continue;
        for (auto& certificate : certificates_in(one->tx))
            if (!memo.is_good(claim_of(certificate)))
                certificates.push_back(std::move(certificate));
    }
    memo.certificates().bring(std::move(certificates), [&](auto all) {
        const auto together =
            std::clamp(all.size() / threads.workers(), kTogetherMin, kTogetherMax);
        run_parallel(
            threads, (all.size() + together - 1) / together, [&](unsigned, std::size_t at) {
                const auto first = at * together;
                verify_together(memo, genesis.chain_id,
                                all.subspan(first, std::min(together, all.size() - first)));
            });
    });
    return admitted;
}

Bytes findings_of(const Memo& memo, std::span<const ByteSpan> transactions) {
    std::vector<AdmittedPtr> known;
    known.reserve(transactions.size());
    for (const auto raw : transactions) known.push_back(memo.admitted(crypto::blake3(raw)));
    return findings_of(memo, known);
}

Bytes findings_of(const Memo& memo, std::span<const AdmittedPtr> prepared) {
    Bytes out(kFindingSize * prepared.size());
    for (std::size_t i = 0; i < prepared.size(); ++i) {
        const auto& admitted = prepared[i];
        if (admitted == nullptr) continue;
        auto* const at = out.data() + kFindingSize * i;
        const auto sender = admitted->sender.span();
        std::copy(sender.begin(), sender.end(), at);
        const auto claims = claims_in(admitted->tx);
        at[Address::kSize] = std::all_of(claims.begin(), claims.end(),
                                         [&](const auto& claim) { return memo.is_good(claim); });
    }
    return out;
}

std::vector<AdmittedPtr> believe(const Genesis& genesis, Memo& memo,
                                 std::span<const ByteSpan> transactions, ByteSpan findings,
                                 const Threads& threads) {
    std::vector<AdmittedPtr> out(transactions.size());
    if (findings.size() != kFindingSize * transactions.size()) return out;
    run_parallel(threads, (transactions.size() + kTask - 1) / kTask, [&](unsigned, std::size_t at) {
        const auto end = std::min((at + 1) * kTask, transactions.size());
        std::vector<Digest> good;
        for (auto i = at * kTask; i < end; ++i) {
            const auto finding = findings.subspan(kFindingSize * i, kFindingSize);
            const auto sender = Address::from_bytes(finding.first(Address::kSize)).value();
            if (sender.is_zero()) continue;
            auto admitted = admit(genesis, memo, transactions[i], sender);
            if (!admitted.ok()) continue;
            out[i] = std::move(*admitted);
            if (finding.back() == 0) continue;
            for (const auto& claim : claims_in(out[i]->tx)) good.push_back(claim);
        }
        memo.remember_good(good);
    });
    return out;
}

}  // namespace mutirao::ledger
