// Hot shards of a whole network: what an owner stored is read through the gateway's hot tier, from
// memory the second time, and nobody else reads it.
#include <gtest/gtest.h>

#include "mutirao/v1/hot.pb.h"
#include "mutirao/v1/publish.pb.h"
#include "node/ledger_client.hpp"
#include "node/wire/fields.hpp"
#include "rights/key_request.hpp"
#include "sim/world.hpp"

namespace mutirao::sim {
namespace {

using node::wire::to_field;

template <class Reply>
Result<Reply> ask(World& world, const char* method, const google::protobuf::MessageLite& request) {
    return node::wire::call<Reply>(world.network(), "gateway", method, request,
                                   std::chrono::seconds(10));
}

Result<Digest> put(World& world, const crypto::AccountKey& owner, ByteSpan bytes) {
    v1::OpenUploadRequest open;
    open.set_owner(to_field(owner.address().span()));
    TRY(auto opened, ask<v1::OpenUploadReply>(world, "/mutirao.v1.Publish/OpenUpload", open));
    v1::AppendRequest append;
    append.set_upload(opened.upload());
    append.set_data(to_field(bytes));
    TRY(auto appended, ask<v1::AppendReply>(world, "/mutirao.v1.Publish/Append", append));
    v1::FinishRequest finish;
    finish.set_upload(opened.upload());
    TRY(auto finished, ask<v1::FinishReply>(world, "/mutirao.v1.Publish/Finish", finish));
    TRY(auto content, node::wire::fixed_field<Digest>(finished.content()));
    node::LedgerClient ledger(world.network(), "ledger");
    node::Sender sender(ledger, owner);
    TRY(auto status, ledger.status());
    for (int i = 0; i < finished.certificates_size(); ++i) {
        TRY(auto certificate, block::Certificate::decode(as_bytes(finished.certificates(i))));
        const ledger::PaidPart part{content, finished.parts(i)};
        TRY(auto fee, ledger::parts_fee(status.genesis, {&part, 1}));
        TRY(auto sent, sender.send(ledger::certify(certificate, {&part, 1}, fee)));
    }
    return content;
}

Result<v1::HotOpenReply> open_hot(World& world, const crypto::AccountKey& reader,
                                  const Digest& content) {
    TRY(auto hello, ask<v1::HotHelloReply>(world, "/mutirao.v1.Hot/Hello", v1::HotHelloRequest{}));
    rights::KeyRequest request;
    request.content = content;
    TRY(request.reply_to, node::wire::fixed_field<crypto::BoxPublicKey>(hello.box_key()));
    request.expires_unix_ms = world.clock().unix_ms() + 60'000;
    request.sign(reader);
    v1::HotOpenRequest open;
    open.set_key_request(to_field(request.encode()));
    return ask<v1::HotOpenReply>(world, "/mutirao.v1.Hot/Open", open);
}

TEST(Hot, owners_read_their_objects_from_memory_and_strangers_do_not) {
    SeededRandom random(99);
    const auto owner = crypto::AccountKey::generate(random);
    const auto stranger = crypto::AccountKey::generate(random);
    const auto world = World::make(7, 4, owner.address()).value();
    for (const std::size_t size : {1000u, 300'000u, 1'500'000u}) {  // packed, and blocks of its own
        Bytes bytes(size);
        random.fill(bytes);
        const auto content = put(*world, owner, bytes).value();
        EXPECT_EQ(open_hot(*world, stranger, content).error().kind, ErrorKind::permission_denied);
        const auto opened = open_hot(*world, owner, content).value();
        for (const bool again : {false, true}) {
            v1::HotReadRequest request;
            request.set_read(opened.read());
            request.set_offset(17);
            request.set_size(size - 17);
            const auto calls = world->network().calls();
            const auto reply =
                ask<v1::HotReadReply>(*world, "/mutirao.v1.Hot/Read", request).value();
            EXPECT_TRUE(std::ranges::equal(as_bytes(reply.data()), ByteSpan(bytes).subspan(17)));
            // The second time no storage node is asked; the ledger may be, for the members.
            if (again) {
                EXPECT_LE(world->network().calls() - calls, 2u);
            }
        }
    }
    const auto stats =
        ask<v1::HotStatsReply>(*world, "/mutirao.v1.Hot/Stats", v1::HotStatsRequest{}).value();
    EXPECT_EQ(stats.cold_loads(), 3u);
    EXPECT_EQ(stats.hits(), 3u);
    EXPECT_GT(stats.disk(), 1'800'000u);
}

}  // namespace
}  // namespace mutirao::sim
