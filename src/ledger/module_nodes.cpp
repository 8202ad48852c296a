// Nodes and Storage: who the nodes are, and which blocks they certified.
#include <algorithm>

#include "ledger/evidence.hpp"
#include "ledger/modules.hpp"
#include "ledger/staking.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint64_t kEpochsBack = 16;  // how old a certificate's epoch may be
constexpr std::size_t kEndpointMax = 256;
constexpr std::uint32_t kWeightMax = 1'000'000;

// Set while storage nodes have joined or left since the last epoch.
Bytes epoch_dirty() { return single("epoch-dirty"); }

// That UTF-8 text has no control characters (U+0000 to 1F, 7F to 9F), so that a name may be shown.
bool is_printable(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return false;
        if (byte == 0xc2 && static_cast<std::uint8_t>(text[i + 1]) < 0xa0) return false;
    }
    return true;
}

Status register_node(Context& context, abi::Reader in) {
    NodeRecord node;
    TRY(auto role, in.number32());
    if (role < 1 || role > 4)
        return refused("a role is 1 storage, 2 compute, 3 gateway, 4 trainer");
    node.role = static_cast<Role>(role);
    TRY(node.weight, in.number32());
    TRY(node.endpoint, in.text(kEndpointMax));
    TRY(auto bls_key, in.bytes(crypto::BlsPublicKey::kSize));
    TRY(auto possession_bytes, in.bytes(crypto::BlsSignature::kSize));
    TRY(auto box_key, in.bytes32());
    TRY(node.domain, in.text(placement::kDomainSizeMax));
    TRY(node.bls_key, crypto::BlsPublicKey::from_bytes(bls_key));
    TRY(auto possession, crypto::BlsSignature::from_bytes(possession_bytes));
    node.box_key.bytes = box_key.bytes;
    node.address = context.sender;
    if (node.role == Role::storage) {
        TRY(const auto stake, stake_of(context.state, node.address));
        const auto minimum = context.genesis.stake_minimum;
        if (stake.bonded.wei < minimum)
            return denied("a storage node needs a stake of " + minimum.text() + " and has " +
                          stake.bonded.wei.text());
    }
    if (!is_printable(node.domain)) return refused("a domain's name has no control characters");
    if (node.weight == 0 || node.weight > kWeightMax) return refused("a weight is 1 to 1,000,000");
    if (!crypto::verify_possession(node.bls_key, possession))
        return denied("the node does not prove that it holds its BLS key");
    // Signatures count by key, so one key under two addresses would count twice.
    TRY(auto holder, context.state.get(key::bls_key(node.bls_key)));
    if (holder && *holder != to_bytes(context.sender.span()))
        return denied("the BLS key belongs to another node");
    context.state.put(key::bls_key(node.bls_key), to_bytes(context.sender.span()));
    TRY(auto before, read<NodeRecord>(context.state, key::node(context.sender)));
    const bool same = before && before->active && before->role == node.role &&
                      before->weight == node.weight && before->bls_key == node.bls_key &&
                      before->domain == node.domain;
    context.state.write(key::node(context.sender), node);
    if (same) return {};  // only the endpoint is new: the epoch goes on
    const bool storage_before = before && before->role == Role::storage;
    if (node.role == Role::storage || storage_before) context.state.put(epoch_dirty(), {1});
    return emit(context, EventKind::node_joined, context.sender, context.sender, {});
}

Status leave(Context& context, abi::Reader) {
    TRY(auto node,
        require<NodeRecord>(context.state, key::node(context.sender), "node of this address"));
    if (!node.active) return refused("the node has left already");
    node.active = false;
    context.state.write(key::node(context.sender), node);
    if (node.role == Role::storage) context.state.put(epoch_dirty(), {1});
    return emit(context, EventKind::node_left, context.sender, context.sender, {});
}

struct Signers {
    CommitteePtr committee;
    std::vector<std::uint32_t> members;
    std::vector<std::uint32_t> held;  // slots of each member of the epoch
    std::uint32_t slots_signed = 0;
};

// Who signed, as the certificate says.
Result<Signers> signers_of(Context& context, const block::Certificate& certificate) {
    TRY(auto committee, context.memo.committee(context.state, certificate.epoch));
    Signers out{committee, {}, committee->placement.slots_held(certificate.id)};
    const auto count = static_cast<std::uint32_t>(out.held.size());
    TRY(out.members, block::signers_in(certificate.signers, count));
    for (const auto member : out.members) out.slots_signed += out.held[member];
    return out;
}

Status split_fee(Context& context, const Signers& signers, Amount fee, const Digest& about) {
    Amount left = fee;
    for (const auto member : signers.members) {
        const auto part = fee.part(signers.held[member], signers.slots_signed);
        TRY_VOID(pay(context, module::storage(), signers.committee->epoch.members[member].node,
                     part, Reason::storage, about));
        TRY(left, left.minus(part));
    }
    return pay(context, module::storage(), module::treasury(), left, Reason::fee, about);
}

// That the certificate is good now.
Status verify(Context& context, const block::Certificate& certificate, const Signers& signers) {
    TRY(auto current, read_counter(context.state, key::current_epoch()));
    if (certificate.epoch > current || certificate.epoch + kEpochsBack < current)
        return refused("the certificate is of epoch " + std::to_string(certificate.epoch) +
                       "; this ledger is at epoch " + std::to_string(current));
    if (signers.slots_signed < block::kAvailableSlots)
        return denied("certificate under quorum: " + std::to_string(signers.slots_signed) + " of " +
                      std::to_string(block::kSlotCount) + " slots signed, " +
                      std::to_string(block::kAvailableSlots) + " needed");
    return verify_signed(context.memo, context.genesis.chain_id, certificate, *signers.committee,
                         signers.members);
}

Result<std::vector<PaidPart>> parts_in(abi::Reader& in, std::size_t parts_max) {
    TRY(auto bytes, in.numbers(parts_max));
    TRY(auto contents, in.bytes32s(parts_max));
    if (bytes.empty() || bytes.size() != contents.size())
        return refused("this call pays for 1 to " + std::to_string(parts_max) +
                       " parts, each with a content");
    std::vector<PaidPart> out;
    for (std::size_t i = 0; i < bytes.size(); ++i) out.push_back({contents[i], bytes[i]});
    return out;
}

// Enters the parts in the state and in the block's record.
Status enter_parts(Context& context, const block::Certificate& certificate,
                   std::span<const PaidPart> parts, CertifiedBlock& block) {
    for (const auto& part : parts) {
        const auto at = key::block_part(certificate.id, context.sender, part.content);
        TRY(auto known, context.state.get(at));
        if (known)
            return Error{ErrorKind::already_exists, "this account has paid for content " +
                                                        part.content.hex() + " in block " +
                                                        certificate.id.hex() + " already"};
        if (part.bytes == 0 || part.bytes > certificate.length - block.paid_bytes)
            return refused("a part of " + std::to_string(part.bytes) + " bytes is none of the " +
                           std::to_string(certificate.length - block.paid_bytes) +
                           " that nobody has paid for yet");
        block.paid_bytes += part.bytes;
        ++block.parts;
        context.state.write(at, BlockPart{part.bytes, false});
    }
    context.state.write(key::block(certificate.id), block);
    return {};
}

// The value must be the price of all parts that the call names.
Status check_fee(const Context& context, std::span<const PaidPart> parts) {
    TRY(auto fee, parts_fee(context.genesis, parts));
    if (context.value != fee)
        return refused("storing these parts costs " + fee.text() + ", not " + context.value.text());
    return {};
}

// Certifies a block that is new, and enters and pays for parts of it.
Status certify_block(Context& context, ByteSpan bytes, std::span<const PaidPart> parts) {
    TRY(auto certificate, block::Certificate::decode(bytes));
    TRY(auto known, read<CertifiedBlock>(context.state, key::block(certificate.id)));
    if (known && known->released)
        return Error{ErrorKind::already_exists,
                     "block " + certificate.id.hex() + " was certified and released"};
    // What was verified once counts; who signs later is not paid.
    if (known) {
        TRY(certificate, block::Certificate::decode(known->certificate));
    }
    TRY(auto signers, signers_of(context, certificate));
    if (!known) TRY_VOID(verify(context, certificate, signers));
    auto block =
        known.value_or(CertifiedBlock{to_bytes(bytes), context.height, signers.slots_signed});
    TRY_VOID(enter_parts(context, certificate, parts, block));
    const Digest about{certificate.id.bytes};
    TRY(auto fee, parts_fee(context.genesis, parts));
    TRY_VOID(split_fee(context, signers, fee, about));
    return emit(context, EventKind::block_certified, context.sender, module::storage(), about);
}

Status certify(Context& context, abi::Reader in) {
    TRY(auto certificate, in.bytes(kCertificateSizeMax));
    TRY(auto parts, parts_in(in, kPartsMax));
    TRY_VOID(check_fee(context, parts));
    return certify_block(context, certificate, parts);
}

Status certify_all(Context& context, abi::Reader in) {
    TRY(auto certificates, in.bytes_list(kCertificatesMax, kCertificateSizeMax));
    TRY(auto parts, parts_in(in, kCertificatesMax));
    if (parts.size() != certificates.size())
        return refused("each certificate needs one part: there are " +
                       std::to_string(certificates.size()) + " and " +
                       std::to_string(parts.size()));
    TRY_VOID(check_fee(context, parts));
    for (std::size_t i = 0; i < parts.size(); ++i)
        TRY_VOID(certify_block(context, certificates[i], {&parts[i], 1}));
    return {};
}

Status release(Context& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto contents, in.bytes32s(kPartsMax));
    const BlockId block_id{id.bytes};
    const auto at = key::block(block_id);
    TRY(auto block, require<CertifiedBlock>(context.state, at, "certified block " + id.hex()));
    if (contents.empty()) return refused("say whose part of the block is released");
    for (const auto& content : contents) {
        const auto part_at = key::block_part(block_id, context.sender, content);
        TRY(auto part, read<BlockPart>(context.state, part_at));
        if (!part) return denied("only who paid for a part of a block may release it");
        if (part->released) return Error{ErrorKind::already_exists, "the part is released already"};
        part->released = true;
        context.state.write(part_at, *part);
        --block.parts;
    }
    block.released = block.parts == 0;
    context.state.write(at, block);
    return emit(context, EventKind::block_released, context.sender, module::storage(), id);
}

}  // namespace

Status dispatch(Context& context, ByteSpan data, std::span<const Method> methods,
                std::span<const Method> more) {
    const auto selector = abi::selector_of(data);
    if (!selector) return refused("the call names no method");
    for (const auto& table : {methods, more}) {
        for (const auto& method : table) {
            if (abi::selector(method.signature) != selector) continue;
            if (!method.payable && !context.value.is_zero())
                return refused("the method takes no payment");
            return method.run(context, abi::Reader(data.subspan(abi::kSelectorSize)));
        }
    }
    return refused("the module has no such method");
}

Status expel(Context& context, const Address& address) {
    TRY(auto node, read<NodeRecord>(context.state, key::node(address)));
    if (!node || !node->active) return {};
    node->active = false;
    context.state.write(key::node(address), *node);
    return members_changed(context, address);
}

Status members_changed(Context& context, const Address& address) {
    TRY(const auto node, read<NodeRecord>(context.state, key::node(address)));
    if (node && node->role == Role::storage) context.state.put(epoch_dirty(), {1});
    return {};
}

Status nodes_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kRegister, register_node},
                                          {signature::kLeave, leave}};
    return dispatch(context, data, kMethods);
}

Status storage_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kCertify, certify, true},
                                          {signature::kCertifyAll, certify_all, true},
                                          {signature::kRelease, release}};
    return dispatch(context, data, kMethods);
}

Status close_epoch(Context& context) {
    TRY(auto dirty, context.state.get(epoch_dirty()));
    if (!dirty || dirty->empty()) return {};
    context.state.put(epoch_dirty(), {});
    TRY(auto nodes, read_all<NodeRecord>(context.state, key::nodes(), block::kMembersMax * 4));
    TRY(auto current, read_counter(context.state, key::current_epoch()));
    EpochRecord next;
    next.epoch = current + 1;
    for (const auto& node : nodes) {
        if (!node.active || node.role != Role::storage) continue;
        TRY(const auto stake, stake_of(context.state, node.address));
        if (stake.bonded.wei >= context.genesis.stake_minimum)
            next.members.push_back({node.address, node.weight, node.bls_key, node.domain});
    }
    if (next.members.size() > block::kMembersMax) next.members.resize(block::kMembersMax);
    context.state.write(key::epoch(next.epoch), next);
    context.state.put(key::current_epoch(), Writer().u(next.epoch).bytes());
    return {};
}

}  // namespace mutirao::ledger
