#include "ledger/disputes.hpp"

#include "ledger/abi.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

namespace key {
Bytes dispute(const Address& provider, const Digest& id) {
    return tagged(Tag::dispute, provider.span(), id.span());
}
Bytes disputes() { return tagged(Tag::dispute); }
Bytes disputes_of(const Address& provider) { return tagged(Tag::dispute, provider.span()); }
}  // namespace key

Call prove_receipt(const compute::Receipt& receipt, const compute::InferenceRequest& request) {
    abi::Writer out(signature::kProveReceipt);
    out.bytes(receipt.encode()).bytes(request.encode());
    return {module::compute(), {}, std::move(out).take()};
}

Call prove_two_answers(const compute::Receipt& one, const compute::Receipt& other) {
    abi::Writer out(signature::kProveTwoAnswers);
    out.bytes(one.encode()).bytes(other.encode());
    return {module::compute(), {}, std::move(out).take()};
}

Call dispute(const Voucher& voucher) {
    abi::Writer out(signature::kDispute);
    out.bytes(voucher.encode());
    return {module::compute(), kDisputeDeposit, std::move(out).take()};
}

Call answer_dispute(const Digest& id, const compute::Receipt& receipt) {
    abi::Writer out(signature::kAnswerDispute);
    out.bytes32(id.span()).bytes(receipt.encode());
    return {module::compute(), {}, std::move(out).take()};
}

Call expire_dispute(const Address& provider, const Digest& id) {
    abi::Writer out(signature::kExpireDispute);
    out.address(provider).bytes32(id.span());
    return {module::compute(), {}, std::move(out).take()};
}

}  // namespace mutirao::ledger
