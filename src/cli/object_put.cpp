#include "cli/object_put.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "base/codec.hpp"
#include "cli/object_lookup.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "mutirao/v1/publish.pb.h"
#include "node/wire/fields.hpp"
#include "os/terminal.hpp"
#include "publish/manifest.hpp"
#include "publish/owner_request.hpp"
#include "publish/small_objects.hpp"

namespace mutirao::cli {
namespace {

using node::wire::to_field;

constexpr std::size_t kAtOnce = 12;  // uploads side by side
constexpr auto kBusyPause = std::chrono::milliseconds(300);
constexpr int kBusyTries = 400;                  // two minutes
constexpr std::size_t kFinishedMax = 256 << 20;  // bytes of what is remembered of one put
constexpr int kTries = 3;                        // of a file whose upload the gateway lost
// Small objects go together, so many bytes of them to a call.
constexpr std::size_t kTogetherBytes = publish::PackLimits{}.bytes_max;

struct Stored {
    std::string name;
    v1::FinishReply finished;
    publish::Manifest manifest;
};

// corrupt when the gateway's answer does not hold together.
Result<Stored> stored_from(std::string name, v1::FinishReply finished) {
    TRY(auto manifest, publish::Manifest::decode(as_bytes(finished.manifest())));
    if (finished.parts_size() != finished.certificates_size())
        return Error{ErrorKind::corrupt, "the gateway's answer does not hold together"};
    return Stored{std::move(name), std::move(finished), std::move(manifest)};
}

// Asks again while the gateway is busy.
template <class Reply>
Result<Reply> ask_patiently(Session& session, std::string_view method,
                            const google::protobuf::MessageLite& request) {
    for (int i = 0;; ++i) {
        auto reply = session.ask_gateway<Reply>(method, request);
        if (reply.ok() || reply.error().kind != ErrorKind::resource_exhausted || i == kBusyTries)
            return reply;
        session.clock().sleep(kBusyPause);
    }
}

struct Begun {
    std::string upload;
    std::uint64_t received = 0;
    bool finished = false;
};

// An upload that was broken off, if the gateway still knows it; else a new one.
Result<Begun> begin_upload(Session& session, const Address& owner, const Source& source,
                           bool strong) {
    if (!source.resume_path.empty()) {
        if (auto known = session.disk().read_file(source.resume_path, 64); known.ok()) {
            v1::UploadStatusRequest ask;
            ask.set_upload(to_field(*known));
            auto status =
                session.ask_gateway<v1::UploadStatusReply>("/mutirao.v1.Publish/UploadStatus", ask);
            if (status.ok()) return Begun{ask.upload(), status->received(), status->finished()};
        }
    }
    v1::OpenUploadRequest open;
    open.set_owner(to_field(owner.span()));
    open.set_strong(strong);
    TRY(auto opened,
        ask_patiently<v1::OpenUploadReply>(session, "/mutirao.v1.Publish/OpenUpload", open));
    if (!source.resume_path.empty())
        TRY_VOID(session.disk().write_file_atomic(source.resume_path, as_bytes(opened.upload())));
    return Begun{opened.upload(), 0, false};
}

Result<v1::FinishReply> upload_once(Session& session, const Address& owner, const Source& source,
                                    bool strong, os::ProgressBar& bar) {
    TRY(auto begun, begin_upload(session, owner, source, strong));
    std::uint64_t offset = begun.received;
    if (source.seek) TRY_VOID(source.seek(offset));
    bar.add(offset);
    while (!begun.finished) {
        TRY(auto part, source.read(kUploadPart));
        if (part.empty()) break;
        v1::AppendRequest append;
        append.set_upload(begun.upload);
        append.set_offset(offset);
        append.set_data(to_field(part));
        TRY(auto appended,
            ask_patiently<v1::AppendReply>(session, "/mutirao.v1.Publish/Append", append));
        offset += part.size();
        if (appended.received() != offset)
            return Error{ErrorKind::corrupt, "the gateway lost count of the upload"};
        bar.add(part.size());
    }
    v1::FinishRequest finish;
    finish.set_upload(begun.upload);
    return session.ask_gateway<v1::FinishReply>("/mutirao.v1.Publish/Finish", finish);
}

Result<Stored> upload(Session& session, const Address& owner, const Source& source, bool strong) {
    os::ProgressBar bar(session.clock(), "put " + source.label, source.size_hint);
    auto finished = upload_once(session, owner, source, strong, bar);
    // A gateway that was restarted knows the upload no more: nothing of it was paid for.
    for (int i = 1; i < kTries && !finished.ok() && source.seek &&
                    finished.error().kind == ErrorKind::not_found;
         ++i)
        finished = upload_once(session, owner, source, strong, bar);
    if (!finished.ok()) return std::move(finished).error().within(source.label);
    return stored_from(source.name, std::move(*finished));
}

// The whole source, or more than a small object has.
Result<Bytes> read_small(const Source& source) {
    Bytes out;
    for (;;) {
        TRY(auto part, source.read(publish::kPackedPlainMax + 1));
        if (part.empty()) return out;
        out.insert(out.end(), part.begin(), part.end());
        if (out.size() > publish::kPackedPlainMax) return out;
    }
}

// What the gateway said of one object, as if it had been uploaded alone.
v1::FinishReply finished_of(const v1::PutManyReply& reply, const v1::SmallObject& object) {
    v1::FinishReply out;
    out.set_content(object.content());
    out.set_manifest(object.manifest());
    out.add_certificates(reply.certificate());
    out.add_parts(object.part());
    out.set_fragments_per_block(reply.fragments_per_block());
    out.set_stored_bytes(object.stored_bytes());
    out.set_keepers(reply.keepers());
    return out;
}

Status upload_together(Session& session, const Address& owner, std::span<const Source> sources,
                       std::span<const std::size_t> members, bool strong, os::ProgressBar& bar,
                       std::vector<Stored>& stored) {
    v1::PutManyRequest request;
    request.set_owner(to_field(owner.span()));
    request.set_strong(strong);
    std::uint64_t bytes = 0;
    std::vector<std::size_t> sent;
    for (const auto member : members) {
        const auto& source = sources[member];
        TRY(const auto content, read_small(source));
        // One that has grown since it was looked at goes alone.
        if (content.size() > source.size_hint) {
            TRY(stored[member], upload(session, owner, source, strong));
            continue;
        }
        request.add_data(to_field(content));
        sent.push_back(member);
        bytes += content.size();
    }
    if (sent.empty()) return {};
    TRY(const auto reply,
        ask_patiently<v1::PutManyReply>(session, "/mutirao.v1.Publish/PutMany", request));
    if (static_cast<std::size_t>(reply.objects_size()) != sent.size())
        return Error{ErrorKind::corrupt, "the gateway answered for other objects"};
    for (std::size_t i = 0; i < sent.size(); ++i) {
        TRY(stored[sent[i]], stored_from(sources[sent[i]].name,
                                         finished_of(reply, reply.objects(static_cast<int>(i)))));
    }
    bar.add(bytes);
    return {};
}

// What is uploaded in one go: one object, or small ones together.
std::vector<std::vector<std::size_t>> group(std::span<const Source> sources) {
    std::vector<std::vector<std::size_t>> out;
    std::vector<std::size_t> together;
    std::size_t bytes = 0;
    const auto close = [&] {
        if (!together.empty()) out.push_back(std::exchange(together, {}));
        bytes = 0;
    };
    for (std::size_t i = 0; i < sources.size(); ++i) {
        if (!sources[i].seek || sources[i].size_hint > publish::kPackedPlainMax) {
            out.push_back({i});
            continue;
        }
        const auto sealed = crypto::sealed_size(sources[i].size_hint);
        if (together.size() == publish::kTogetherMax || bytes + sealed > kTogetherBytes) close();
        together.push_back(i);
        bytes += sealed;
    }
    close();
    return out;
}

// Calls task(i) for every i below `count`, some at a time; the first error, if any.
Status side_by_side(std::size_t count, const std::function<Status(std::size_t)>& task) {
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;  // guards outcome
    Status outcome;
    const auto work = [&] {
        for (auto i = next++; i < count; i = next++) {
            auto status = task(i);
            if (status.ok()) continue;
            next = count;
            const std::lock_guard lock(mutex);
            if (outcome.ok()) outcome = std::move(status);
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < std::min(kAtOnce, count); ++i) threads.emplace_back(work);
    work();
    for (auto& thread : threads) thread.join();
    return outcome;
}

Result<std::vector<Stored>> upload_all(Session& session, const Address& owner,
                                       std::span<const Source> sources, bool strong) {
    std::vector<Stored> stored(sources.size());
    const auto groups = group(sources);
    std::uint64_t small_bytes = 0;
    std::size_t small = 0;
    for (const auto& members : groups)
        for (const auto member : members)
            if (members.size() > 1) small_bytes += sources[member].size_hint, ++small;
    std::optional<os::ProgressBar> bar;
    if (small > 0)
        bar.emplace(session.clock(), "put " + std::to_string(small) + " small files", small_bytes);
    TRY_VOID(side_by_side(groups.size(), [&](std::size_t i) -> Status {
        const auto& members = groups[i];
        if (members.size() > 1)
            return upload_together(session, owner, sources, members, strong, *bar, stored);
        TRY(stored[members.front()], upload(session, owner, sources[members.front()], strong));
        return {};
    }));
    return stored;
}

// What one transaction pays for: parts of one block, or one part of each of several.
struct Payment {
    std::vector<ledger::PaidBlock> blocks;
    bool one_block() const {
        return blocks.size() > 1 && blocks.front().certificate == blocks.back().certificate;
    }
    Result<ledger::Call> call(const ledger::Genesis& genesis) const {
        std::vector<ledger::PaidPart> parts;
        for (const auto& each : blocks) parts.push_back(each.part);
        TRY(const auto fee, ledger::parts_fee(genesis, parts));
        if (!one_block()) return ledger::certify_all(blocks, fee);
        TRY(const auto certificate, block::Certificate::decode(blocks.front().certificate));
        return ledger::certify(certificate, parts, fee);
    }
};

// Parts of a block that several objects share go together; blocks of one object's own side by side.
std::vector<Payment> payments_for(std::span<const Stored> objects) {
    std::map<std::string, std::vector<ledger::PaidBlock>> by_certificate;
    for (const auto& object : objects)
        for (int i = 0; i < object.finished.certificates_size(); ++i) {
            const auto& certificate = object.finished.certificates(i);
            by_certificate[certificate].push_back(
                {to_bytes(as_bytes(certificate)),
                 {object.manifest.content(), object.finished.parts(i)}});
        }
    std::vector<Payment> out;
    std::vector<ledger::PaidBlock> alone;
    const auto split = [&](std::span<const ledger::PaidBlock> due, std::size_t most) {
        for (; !due.empty(); due = due.subspan(std::min(most, due.size()))) {
            const auto some = due.first(std::min(most, due.size()));
            out.push_back({{some.begin(), some.end()}});
        }
    };
    for (auto& [certificate, due] : by_certificate) {
        if (due.size() == 1)
            alone.push_back(std::move(due.front()));
        else
            split(due, ledger::kPartsMax);
    }
    split(alone, ledger::kCertificatesMax);
    return out;
}

// The owner's own transactions. What an earlier try paid for already is not paid for again.
Result<ledger::Amount> pay(Session& session, const crypto::AccountKey& wallet,
                           std::span<const Stored> objects) {
    TRY(const auto status, session.ledger().status());
    node::Sender sender(session.ledger(), wallet);
    ledger::Amount total;
    const auto certify = [&](const Payment& payment) -> Status {
        TRY(const auto call, payment.call(status.genesis));
        TRY(const auto sent, sender.send(call));
        TRY(total, total.plus(call.value));
        TRY(total, total.plus(sent.receipt.fee));
        return {};
    };
    for (const auto& payment : payments_for(objects)) {
        auto done = certify(payment);
        if (done.ok()) continue;
        if (done.error().kind != ErrorKind::already_exists) return std::move(done).error();
        // Some are paid for: one by one then.
        for (std::size_t i = 0; payment.blocks.size() > 1 && i < payment.blocks.size(); ++i)
            if (auto one = certify({{payment.blocks[i]}});
                !one.ok() && one.error().kind != ErrorKind::already_exists)
                return std::move(one).error();
    }
    return total;
}

Status name_one(Session& session, const crypto::AccountKey& wallet, const Stored& object) {
    v1::NameRequest naming;
    naming.set_owner_request(to_field(owner_request(session, wallet, publish::OwnerAction::name,
                                                    object.name, object.manifest.content())
                                          .encode()));
    naming.set_manifest(object.finished.manifest());
    TRY_VOID(session.ask_gateway<v1::NameReply>("/mutirao.v1.Publish/Name", naming));
    return {};
}

Status name_together(Session& session, const crypto::AccountKey& wallet,
                     std::span<const Stored> objects) {
    if (objects.size() == 1) return name_one(session, wallet, objects.front());
    v1::NameManyRequest request;
    std::vector<publish::Naming> namings;
    for (const auto& object : objects) {
        namings.push_back({object.name, object.manifest.content()});
        request.add_names(object.name);
        request.add_manifests(object.finished.manifest());
    }
    request.set_owner_request(
        to_field(owner_request(session, wallet, publish::OwnerAction::name_many, "",
                               publish::digest_names(namings))
                     .encode()));
    TRY_VOID(session.ask_gateway<v1::NameManyReply>("/mutirao.v1.Publish/NameMany", request));
    return {};
}

Status name_all(Session& session, const crypto::AccountKey& wallet,
                std::span<const Stored> objects) {
    constexpr std::size_t kManifestBytes = 4 << 20;  // in one call
    for (std::size_t at = 0; at < objects.size();) {
        std::size_t count = 0, bytes = 0;
        do bytes += objects[at + count++].finished.manifest().size();
        while (at + count < objects.size() && count < publish::kTogetherMax &&
               bytes + objects[at + count].finished.manifest().size() <= kManifestBytes);
        TRY_VOID(name_together(session, wallet, objects.subspan(at, count)));
        at += count;
    }
    return {};
}

// What the gateway answered to a put is kept until all of it is named: should the client or the
// gateway die after it was paid for, the next try goes on from there and nothing is paid twice.
std::string finished_path(std::span<const Source> sources) {
    std::string all;
    for (const auto& source : sources) {
        if (source.identity.empty()) return {};
        all += source.identity + '\0';
    }
    const auto digest = crypto::blake3_keyed(crypto::domain_key("finished uploads"), as_bytes(all));
    return "uploads/" + digest.hex().substr(0, 32) + ".finished";
}

Status remember(Session& session, const std::string& path, std::span<const Stored> stored) {
    if (path.empty()) return {};
    Writer out;
    for (const auto& object : stored) out.text(object.finished.SerializeAsString());
    return session.disk().write_file_atomic(path, out.bytes());
}

// Nothing when there is nothing, or it cannot be read.
std::optional<std::vector<Stored>> recall(Session& session, const std::string& path,
                                          std::span<const Source> sources) {
    if (path.empty()) return std::nullopt;
    const auto bytes = session.disk().read_file(path, kFinishedMax);
    if (!bytes.ok()) return std::nullopt;
    Reader in(*bytes);
    std::vector<Stored> out;
    for (const auto& source : sources) {
        const auto text = in.text(kFinishedMax);
        v1::FinishReply finished;
        if (!text.ok() || !finished.ParseFromString(*text)) return std::nullopt;
        auto stored = stored_from(source.name, std::move(finished));
        if (!stored.ok()) return std::nullopt;
        out.push_back(std::move(*stored));
    }
    return out;
}

PutResult result_of(const Stored& object, double seconds) {
    PutResult out;
    out.content = object.manifest.content();
    out.size = object.manifest.size();
    out.blocks = static_cast<std::uint32_t>(object.manifest.blocks.size());
    out.fragments_per_block = object.finished.fragments_per_block();
    out.stored_bytes = object.finished.stored_bytes();
    for (const auto& certificate : object.finished.certificates())
        out.certificate_bytes = std::max(out.certificate_bytes, certificate.size());
    out.seconds = seconds;
    return out;
}

}  // namespace

Result<std::vector<PutResult>> put_all(Session& session, const crypto::AccountKey& wallet,
                                       std::span<const Source> sources, bool strong) {
    const auto began = session.clock().monotonic();
    const auto finished = finished_path(sources);
    auto earlier = recall(session, finished, sources);
    if (!earlier) {
        TRY(earlier, upload_all(session, wallet.address(), sources, strong));
        TRY_VOID(remember(session, finished, *earlier));
    }
    const auto& stored = *earlier;
    TRY(auto fee, pay(session, wallet, stored));
    TRY_VOID(name_all(session, wallet, stored));
    if (!finished.empty()) static_cast<void>(session.disk().remove(finished).ok());
    const auto seconds = std::chrono::duration<double>(session.clock().monotonic() - began).count();
    std::vector<PutResult> out;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        if (!sources[i].resume_path.empty())
            static_cast<void>(session.disk().remove(sources[i].resume_path).ok());
        out.push_back(result_of(stored[i], seconds));
    }
    if (!out.empty()) out.front().fee = fee;  // of all
    return out;
}

}  // namespace mutirao::cli
