// Somebody in a simulated world: a wallet that stores and reads objects.
#pragma once

#include "mutirao/v1/publish.pb.h"
#include "node/ledger_client.hpp"
#include "node/wire/fields.hpp"
#include "rights/key_request.hpp"
#include "sim/world.hpp"

namespace mutirao::sim {

// A person with a wallet and no command line.
class Person {
  public:
    Person(World& world, crypto::AccountKey key)
        : world_(world), key_(key), ledger_(world.network(), "ledger"), sender_(ledger_, key) {}

    template <class Reply>
    Result<Reply> ask(const char* method, const google::protobuf::MessageLite& request) {
        return node::wire::call<Reply>(world_.network(), "gateway", method, request,
                                       std::chrono::seconds(10));
    }
    Result<Digest> put(ByteSpan bytes, bool pays = true) {
        v1::OpenUploadRequest open;
        open.set_owner(node::wire::to_field(key_.address().span()));
        TRY(auto opened, ask<v1::OpenUploadReply>("/mutirao.v1.Publish/OpenUpload", open));
        v1::AppendRequest append;
        append.set_upload(opened.upload());
        append.set_data(node::wire::to_field(bytes));
        TRY(auto appended, ask<v1::AppendReply>("/mutirao.v1.Publish/Append", append));
        v1::FinishRequest finish;
        finish.set_upload(opened.upload());
        TRY(auto finished, ask<v1::FinishReply>("/mutirao.v1.Publish/Finish", finish));
        TRY(auto status, ledger_.status());
        TRY(auto content, node::wire::fixed_field<Digest>(finished.content()));
        for (int i = 0; pays && i < finished.certificates_size(); ++i) {
            TRY(auto certificate, block::Certificate::decode(as_bytes(finished.certificates(i))));
            const ledger::PaidPart part{content, finished.parts(i)};
            TRY(auto fee, ledger::parts_fee(status.genesis, {&part, 1}));
            TRY(auto sent, sender_.send(ledger::certify(certificate, {&part, 1}, fee)));
        }
        return content;
    }
    node::LedgerClient& ledger() { return ledger_; }
    node::Sender& sender() { return sender_; }
    // That this person may read the object, for whoever has that key.
    Result<rights::KeyRequest> key_request(const Digest& content, const std::string& box_key) {
        rights::KeyRequest out;
        out.content = content;
        TRY(out.reply_to, node::wire::fixed_field<crypto::BoxPublicKey>(box_key));
        out.expires_unix_ms = world_.clock().unix_ms() + 60'000;
        out.sign(key_);
        return out;
    }
    Result<Bytes> get(const Digest& content) {
        TRY(auto hello, ask<v1::HelloReply>("/mutirao.v1.Publish/Hello", v1::HelloRequest{}));
        TRY(const auto request, key_request(content, hello.box_key()));
        v1::OpenReadRequest open;
        open.set_content(node::wire::to_field(content.span()));
        open.set_key_request(node::wire::to_field(request.encode()));
        TRY(auto opened, ask<v1::OpenReadReply>("/mutirao.v1.Publish/OpenRead", open));
        v1::ReadBlockRequest read;
        read.set_read(opened.read());
        TRY(auto block, ask<v1::ReadBlockReply>("/mutirao.v1.Publish/ReadBlock", read));
        return to_bytes(as_bytes(block.data()));
    }

  private:
    World& world_;
    const crypto::AccountKey key_;
    node::LedgerClient ledger_;
    node::Sender sender_;
};

inline crypto::AccountKey founder_key() {
    SeededRandom random(99);
    return crypto::AccountKey::generate(random);
}

inline Bytes random_bytes(std::size_t size, Random& random) {
    Bytes out(size);
    random.fill(out);
    return out;
}

}  // namespace mutirao::sim
