#include "ledger/calls.hpp"

#include "crypto/hash.hpp"
#include "ledger/abi.hpp"
#include "ledger/deals.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/voucher_hash.hpp"

namespace mutirao::ledger {
namespace {

Address module_address(std::uint8_t number) {
    Address out;
    out.bytes[17] = 'm';
    out.bytes[18] = 'u';
    out.bytes[19] = number;
    return out;
}

}  // namespace

namespace module {
Address nodes() { return module_address(1); }
Address storage() { return module_address(2); }
Address rights() { return module_address(3); }
Address training() { return module_address(4); }
Address compute() { return module_address(5); }
Address treasury() { return module_address(6); }
Address staking() { return module_address(7); }
Address orders() { return module_address(8); }
Address deals() { return module_address(9); }
}  // namespace module

Call transfer(const Address& to, Amount value) { return {to, value, {}}; }

Call register_node(const NodeRecord& node, const crypto::BlsSignature& possession) {
    abi::Writer out(signature::kRegister);
    out.number(static_cast<std::uint8_t>(node.role)).number(node.weight);
    out.bytes(as_bytes(node.endpoint)).bytes(node.bls_key.span()).bytes(possession.span());
    out.bytes32(node.box_key.span()).bytes(as_bytes(node.domain));
    return {module::nodes(), {}, std::move(out).take()};
}

Call leave_network() { return {module::nodes(), {}, abi::Writer(signature::kLeave).take()}; }

Call certify(const block::Certificate& certificate, std::span<const PaidPart> parts, Amount fee) {
    std::vector<std::uint64_t> bytes;
    std::vector<Digest> contents;
    for (const auto& part : parts) {
        bytes.push_back(part.bytes);
        contents.push_back(part.content);
    }
    abi::Writer out(signature::kCertify);
    out.bytes(certificate.encode()).numbers(bytes).bytes32s(contents);
    return {module::storage(), fee, std::move(out).take()};
}

Call certify_all(std::span<const PaidBlock> blocks, Amount fee) {
    std::vector<Bytes> certificates;
    std::vector<std::uint64_t> bytes;
    std::vector<Digest> contents;
    for (const auto& block : blocks) {
        certificates.push_back(block.certificate);
        bytes.push_back(block.part.bytes);
        contents.push_back(block.part.content);
    }
    abi::Writer out(signature::kCertifyAll);
    out.bytes_list(certificates).numbers(bytes).bytes32s(contents);
    return {module::storage(), fee, std::move(out).take()};
}

Result<Amount> parts_fee(const Genesis& genesis, std::span<const PaidPart> parts) {
    Amount total;
    for (const auto& part : parts) {
        TRY(auto fee, certificate_fee(genesis, part.bytes));
        TRY(total, total.plus(fee));
    }
    return total;
}

Call release_block(const BlockId& id, std::span<const Digest> contents) {
    abi::Writer out(signature::kRelease);
    out.bytes32(id.span()).bytes32s({contents.begin(), contents.end()});
    return {module::storage(), {}, std::move(out).take()};
}

Call register_data(const Digest& content, std::uint64_t size, const std::string& title) {
    abi::Writer out(signature::kRegisterAsset);
    out.bytes32(content.span()).number(size).bytes(as_bytes(title));
    return {module::rights(), {}, std::move(out).take()};
}

Call offer_licence(const Digest& asset, const Digest& subject, const LicenceTerms& terms) {
    abi::Writer out(signature::kOfferLicence);
    out.bytes32(asset.span()).bytes32(subject.span());
    out.number(static_cast<std::uint8_t>(terms.purpose)).number(terms.price.wei());
    out.number(terms.share_ppm).number(terms.expires_ms);
    return {module::rights(), {}, std::move(out).take()};
}

Call accept_licence(const Digest& licence, Amount price) {
    abi::Writer out(signature::kAcceptLicence);
    out.bytes32(licence.span());
    return {module::rights(), price, std::move(out).take()};
}

Call revoke_licence(const Digest& licence) {
    abi::Writer out(signature::kRevokeLicence);
    out.bytes32(licence.span());
    return {module::rights(), {}, std::move(out).take()};
}

Call create_run(const Digest& spec, const std::vector<Address>& trainers, Amount reward) {
    abi::Writer out(signature::kCreateRun);
    out.bytes32(spec.span()).addresses(trainers);
    return {module::training(), reward, std::move(out).take()};
}

Call finish_run(const RunOutcome& outcome) {
    std::vector<Digest> assets;
    std::vector<std::uint64_t> tokens;
    for (const auto& used : outcome.assets) {
        assets.push_back(used.asset);
        tokens.push_back(used.tokens);
    }
    abi::Writer out(signature::kFinishRun);
    out.bytes32(outcome.run.span()).bytes32(outcome.model_content.span());
    out.number(outcome.model_size).bytes(as_bytes(outcome.title));
    out.number(outcome.price_per_token.wei()).bytes32s(assets).numbers(tokens);
    out.numbers(outcome.trainer_tokens).number(outcome.rounds);
    out.number(outcome.first_loss_milli).number(outcome.last_loss_milli);
    return {module::training(), {}, std::move(out).take()};
}

Call add_trainer(const Digest& run, const Address& trainer) {
    abi::Writer out(signature::kAddTrainer);
    out.bytes32(run.span()).address(trainer);
    return {module::training(), {}, std::move(out).take()};
}

Call report_round(const Digest& run, std::uint32_t round, const Digest& result) {
    abi::Writer out(signature::kReportRound);
    out.bytes32(run.span()).number(round).bytes32(result.span());
    return {module::training(), {}, std::move(out).take()};
}

Call close_run(const Digest& run) {
    abi::Writer out(signature::kCloseRun);
    out.bytes32(run.span());
    return {module::training(), {}, std::move(out).take()};
}

Call offer_model(const Digest& model) {
    abi::Writer out(signature::kOffer);
    out.bytes32(model.span());
    return {module::compute(), {}, std::move(out).take()};
}

Call open_key(const Address& key, Amount limit, std::uint64_t expires_ms) {
    abi::Writer out(signature::kOpenKey);
    out.address(key).number(expires_ms);
    return {module::compute(), limit, std::move(out).take()};
}

Call end_key(const Address& key) {
    abi::Writer out(signature::kEndKey);
    out.address(key);
    return {module::compute(), {}, std::move(out).take()};
}

Call close_key(const Address& key) {
    abi::Writer out(signature::kCloseKey);
    out.address(key);
    return {module::compute(), {}, std::move(out).take()};
}

Call settle(const Voucher& voucher) {
    abi::Writer out(signature::kSettle);
    out.bytes(voucher.encode());
    return {module::compute(), {}, std::move(out).take()};
}

Call settle_all(std::span<const Voucher> vouchers) {
    std::vector<Bytes> encoded;
    for (const auto& voucher : vouchers) encoded.push_back(voucher.encode());
    abi::Writer out(signature::kSettleAll);
    out.bytes_list(encoded);
    return {module::compute(), {}, std::move(out).take()};
}

Bytes Voucher::body() const {
    mutirao::Writer out;
    out.raw(key.span()).raw(provider.span()).raw(model.span());
    cumulative.encode(out);
    out.u(tokens).raw(request.span()).raw(output.span());
    return std::move(out).take();
}

Digest voucher_hash(ByteSpan body, std::uint64_t chain_id) {
    Writer out;
    out.raw(as_bytes("mutirao v1 voucher")).u(chain_id).raw(body);
    return crypto::personal_message_hash(out.bytes());
}

void Voucher::sign(const crypto::AccountKey& session, std::uint64_t chain_id) {
    key = session.address();
    signature = session.sign(voucher_hash(body(), chain_id));
}

Status Voucher::verify(std::uint64_t chain_id) const {
    TRY(auto signer, crypto::recover(voucher_hash(body(), chain_id), signature));
    if (signer != key)
        return Error{ErrorKind::permission_denied, "the voucher is not signed by its key"};
    return {};
}

Bytes Voucher::encode() const {
    Bytes out = body();
    const auto tail = signature.to_bytes();
    out.insert(out.end(), tail.begin(), tail.end());
    return out;
}

Digest Voucher::hash() const {
    return crypto::blake3_keyed(crypto::domain_key("voucher"), encode());
}

Result<Voucher> Voucher::decode(ByteSpan bytes) {
    Reader in(bytes);
    Voucher out;
    TRY(out.key, in.fixed<Address>());
    TRY(out.provider, in.fixed<Address>());
    TRY(out.model, in.fixed<Digest>());
    TRY(out.cumulative, Amount::decode(in));
    TRY(out.tokens, in.u<std::uint64_t>());
    TRY(out.request, in.fixed<Digest>());
    TRY(out.output, in.fixed<Digest>());
    TRY(auto signature, in.raw(crypto::AccountSignature::kSize));
    TRY(out.signature, crypto::AccountSignature::from_bytes(signature));
    TRY_VOID(in.finish());
    return out;
}

}  // namespace mutirao::ledger
