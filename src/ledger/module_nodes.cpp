// Nodes and Storage: who the nodes are, and which blocks they certified.
#include <algorithm>

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
                      before->weight == node.weight && before->bls_key == node.bls_key;
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

Status certify(Context& context, abi::Reader in) {
    TRY(auto bytes, in.bytes(1024));
    TRY(auto certificate, block::Certificate::decode(bytes));
    TRY(auto known, context.state.get(key::block(certificate.id)));
    if (known)
        return Error{ErrorKind::already_exists,
                     "block " + certificate.id.hex() + " is certified already"};
    TRY(auto current, read_counter(context.state, key::current_epoch()));
    if (certificate.epoch > current || certificate.epoch + kEpochsBack < current)
        return refused("the certificate is of epoch " + std::to_string(certificate.epoch) +
                       "; this ledger is at epoch " + std::to_string(current));
    TRY(auto epoch, require<EpochRecord>(context.state, key::epoch(certificate.epoch),
                                         "epoch " + std::to_string(certificate.epoch)));
    const auto count = static_cast<std::uint32_t>(epoch.members.size());
    TRY(auto signers, block::signers_in(certificate.signers, count));
    if (count == 0) return refused("epoch " + std::to_string(epoch.epoch) + " has no nodes");
    TRY(const auto* placement, context.memo.placement(epoch));
    const auto held = placement->slots_held(certificate.id);
    std::uint32_t slots_signed = 0;
    std::vector<crypto::BlsPublicKey> keys;
    for (const auto member : signers) {
        slots_signed += held[member];
        keys.push_back(epoch.members[member].bls_key);
    }
    if (slots_signed < block::kAvailableSlots)
        return denied("certificate under quorum: " + std::to_string(slots_signed) + " of " +
                      std::to_string(block::kSlotCount) + " slots signed, " +
                      std::to_string(block::kAvailableSlots) + " needed");
    if (!crypto::is_in_group(certificate.commitment))
        return denied("the certificate's commitment is no point of the group");
    const auto message = block::availability_message(context.genesis.chain_id, certificate);
    if (!crypto::verify_aggregate(keys, message, certificate.signature))
        return denied("the certificate's signature does not verify");
    TRY(auto fee, certificate_fee(context.genesis, certificate.length));
    if (context.value != fee)
        return refused("storing " + std::to_string(certificate.length) + " bytes costs " +
                       fee.text() + ", not " + context.value.text());
    context.state.write(key::block(certificate.id),
                        CertifiedBlock{bytes, context.sender, context.height, slots_signed, false});
    const Digest about{certificate.id.bytes};
    TRY_VOID(split_fee(context, epoch, signers, held, slots_signed, about));
    return emit(context, EventKind::block_certified, context.sender, module::storage(), about);
}

Status release(Context& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    const auto at = key::block(BlockId{id.bytes});
    TRY(auto block, require<CertifiedBlock>(context.state, at, "certified block " + id.hex()));
    if (block.payer != context.sender) return denied("only who paid for a block may release it");
    if (block.released) return Error{ErrorKind::already_exists, "the block is released already"};
    block.released = true;
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
            next.members.push_back({node.address, node.weight, node.bls_key});
    if (next.members.size() > block::kMembersMax) next.members.resize(block::kMembersMax);
    context.state.write(key::epoch(next.epoch), next);
    context.state.put(key::current_epoch(), Writer().u(next.epoch).bytes());
    return {};
}

}  // namespace mutirao::ledger
