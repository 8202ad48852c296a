#include "node/storage_calls.hpp"

#include "mutirao/v1/storage.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kDeadline = std::chrono::seconds(20);

// Digests and rows as they were sent; sizes that do not fit are corrupt.
Result<publish::ServedSlot> served_slot(const v1::SlotRows& in) {
    publish::ServedSlot out;
    out.slot = in.slot();
    if (in.digests().size() % Digest::kSize != 0 || in.indexes_size() != in.rows_size())
        return Error{ErrorKind::corrupt, "the node's answer does not hold together"};
    for (std::size_t at = 0; at < in.digests().size(); at += Digest::kSize) {
        TRY(auto digest, Digest::from_bytes(as_bytes(in.digests()).subspan(at, Digest::kSize)));
        out.digests.push_back(digest);
    }
    for (int i = 0; i < in.rows_size(); ++i)
        out.rows.emplace_back(in.indexes(i), to_bytes(as_bytes(in.rows(i))));
    return out;
}

}  // namespace

Status NetworkStorageCalls::open_block(const Address& node, const BlockId& id, std::uint64_t epoch,
                                       ByteSpan statement) {
    TRY(auto peer, find_(node));
    v1::OpenBlockRequest request;
    request.set_block(to_field(id.span()));
    request.set_epoch(epoch);
    request.set_statement(to_field(statement));
    TRY(auto reply, wire::call<v1::OpenBlockReply>(network_, peer, "/mutirao.v1.Storage/OpenBlock",
                                                   request, kDeadline));
    return {};
}

Status NetworkStorageCalls::put_slot(const Address& node, const BlockId& id, std::uint32_t slot,
                                     ByteSpan rows) {
    TRY(auto peer, find_(node));
    v1::PutSlotRequest request;
    request.set_block(to_field(id.span()));
    request.set_slot(slot);
    request.set_rows(to_field(rows));
    TRY(auto reply, wire::call<v1::PutSlotReply>(network_, peer, "/mutirao.v1.Storage/PutSlot",
                                                 request, kDeadline));
    return {};
}

Result<crypto::BlsSignature> NetworkStorageCalls::sign(const Address& node, const BlockId& id,
                                                       std::uint64_t epoch) {
    TRY(auto peer, find_(node));
    v1::SignRequest request;
    request.set_block(to_field(id.span()));
    request.set_epoch(epoch);
    TRY(auto reply,
        wire::call<v1::SignReply>(network_, peer, "/mutirao.v1.Storage/Sign", request, kDeadline));
    return wire::fixed_field<crypto::BlsSignature>(reply.signature());
}

Result<Bytes> NetworkStorageCalls::statement(const Address& node, const BlockId& id) {
    TRY(auto peer, find_(node));
    v1::StatementRequest request;
    request.set_block(to_field(id.span()));
    TRY(auto reply, wire::call<v1::StatementReply>(network_, peer, "/mutirao.v1.Storage/Statement",
                                                   request, kDeadline));
    return to_bytes(as_bytes(reply.statement()));
}

Result<std::vector<publish::ServedSlot>> NetworkStorageCalls::rows(
    const Address& node, const BlockId& id, std::span<const std::uint32_t> indexes) {
    TRY(auto peer, find_(node));
    v1::RowsRequest request;
    request.set_block(to_field(id.span()));
    request.mutable_indexes()->Assign(indexes.begin(), indexes.end());
    TRY(auto reply,
        wire::call<v1::RowsReply>(network_, peer, "/mutirao.v1.Storage/Rows", request, kDeadline));
    std::vector<publish::ServedSlot> out;
    for (const auto& slot : reply.slots()) {
        TRY(auto served, served_slot(slot));
        out.push_back(std::move(served));
    }
    return out;
}

Status NetworkStorageCalls::drop(const Address& node, const BlockId& id) {
    TRY(auto peer, find_(node));
    v1::DropRequest request;
    request.set_block(to_field(id.span()));
    TRY(auto reply,
        wire::call<v1::DropReply>(network_, peer, "/mutirao.v1.Storage/Drop", request, kDeadline));
    return {};
}

}  // namespace mutirao::node
