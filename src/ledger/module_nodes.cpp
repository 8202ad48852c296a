// Nodes and Storage: who the nodes are, and which blocks they certified.
#include <algorithm>

#include "ledger/calls.hpp"
#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint64_t kEpochsBack = 16;  // how old a certificate's epoch may be
constexpr std::size_t kEndpointMax = 256;
constexpr std::uint32_t kWeightMax = 1'000'000;

// Set while storage nodes have joined or left since the last epoch.
Bytes epoch_dirty() { return to_bytes(as_bytes("x/epoch-dirty")); }

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

Status split_fee(Context& context, const EpochRecord& epoch,
                 const std::vector<std::uint32_t>& signers, const std::vector<std::uint32_t>& held,
                 std::uint32_t slots_signed, const Digest& about) {
    Amount left = context.value;
    for (const auto member : signers) {
        const auto part = context.value.part(held[member], slots_signed);
        TRY_VOID(pay(context, module::storage(), epoch.members[member].node, part, Reason::storage,
                     about));
        TRY(left, left.minus(part));
    }
    return pay(context, module::storage(), module::treasury(), left, Reason::fee, about);
}

struct Signers {
    EpochRecord epoch;
    std::vector<std::uint32_t> members;
    std::vector<std::uint32_t> held;  // slots of each member of the epoch
    std::uint32_t slots_signed = 0;
};

// Who signed, as the certificate says.
Result<Signers> signers_of(Context& context, const block::Certificate& certificate) {
    Signers out;
    TRY(out.epoch, require<EpochRecord>(context.state, key::epoch(certificate.epoch),
                                        "epoch " + std::to_string(certificate.epoch)));
    const auto count = static_cast<std::uint32_t>(out.epoch.members.size());
    TRY(out.members, block::signers_in(certificate.signers, count));
    if (count == 0) return refused("epoch " + std::to_string(out.epoch.epoch) + " has no nodes");
    TRY(const auto* placement, context.memo.placement(out.epoch));
    out.held = placement->slots_held(certificate.id);
    for (const auto member : out.members) out.slots_signed += out.held[member];
    return out;
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
    if (!crypto::is_in_group(certificate.commitment))
        return denied("the certificate's commitment is no point of the group");
    std::vector<crypto::BlsPublicKey> keys;
    for (const auto member : signers.members) keys.push_back(signers.epoch.members[member].bls_key);
    const auto message = block::availability_message(context.genesis.chain_id, certificate);
    if (!crypto::verify_aggregate(keys, message, certificate.signature))
        return denied("the certificate's signature does not verify");
    return {};
}

Result<std::vector<PaidPart>> parts_in(abi::Reader& in) {
    TRY(auto bytes, in.numbers(kPartsMax));
    TRY(auto contents, in.bytes32s(kPartsMax));
    if (bytes.empty() || bytes.size() != contents.size())
        return refused("a certificate is paid for in 1 to " + std::to_string(kPartsMax) +
                       " parts, each with a content");
    std::vector<PaidPart> out;
    for (std::size_t i = 0; i < bytes.size(); ++i) out.push_back({contents[i], bytes[i]});
    return out;
}

// Enters the parts in the state and in the block's record.
Status enter_parts(Context& context, const block::Certificate& certificate,
                   const std::vector<PaidPart>& parts, CertifiedBlock& block) {
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

Status certify(Context& context, abi::Reader in) {
    TRY(auto bytes, in.bytes(1024));
    TRY(auto certificate, block::Certificate::decode(bytes));
    TRY(auto parts, parts_in(in));
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
    auto block = known.value_or(CertifiedBlock{bytes, context.height, signers.slots_signed});
    TRY_VOID(enter_parts(context, certificate, parts, block));
    TRY(auto fee, parts_fee(context.genesis, parts));
    if (context.value != fee)
        return refused("storing these parts costs " + fee.text() + ", not " + context.value.text());
    const Digest about{certificate.id.bytes};
    TRY_VOID(split_fee(context, signers.epoch, signers.members, signers.held, signers.slots_signed,
                       about));
    return emit(context, EventKind::block_certified, context.sender, module::storage(), about);
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

Status dispatch(Context& context, ByteSpan data, std::span<const Method> methods) {
    if (data.size() < 4) return refused("the call names no method");
    const std::uint32_t selector = static_cast<std::uint32_t>(data[0]) << 24 |
                                   static_cast<std::uint32_t>(data[1]) << 16 |
                                   static_cast<std::uint32_t>(data[2]) << 8 | data[3];
    for (const auto& method : methods) {
        if (abi::selector(method.signature) != selector) continue;
        if (!method.payable && !context.value.is_zero())
            return refused("the method takes no payment");
        return method.run(context, abi::Reader(data.subspan(4)));
    }
    return refused("the module has no such method");
}

Status nodes_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kRegister, register_node},
                                          {signature::kLeave, leave}};
    return dispatch(context, data, kMethods);
}

Status storage_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kCertify, certify, true},
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
    for (const auto& node : nodes)
        if (node.active && node.role == Role::storage)
            next.members.push_back({node.address, node.weight, node.bls_key, node.domain});
    if (next.members.size() > block::kMembersMax) next.members.resize(block::kMembersMax);
    context.state.write(key::epoch(next.epoch), next);
    context.state.put(key::current_epoch(), Writer().u(next.epoch).bytes());
    return {};
}

}  // namespace mutirao::ledger
