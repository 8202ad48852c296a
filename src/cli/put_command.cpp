// `mutirao put`: files, or standard input, become objects: uploaded, certified and paid for, named.
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sys/stat.h>
#include <thread>

#include "base/codec.hpp"
#include "cli/commands.hpp"
#include "cli/object_lookup.hpp"
#include "crypto/hash.hpp"
#include "mutirao/v1/publish.pb.h"
#include "node/wire/fields.hpp"
#include "os/terminal.hpp"
#include "publish/manifest.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::cli {
namespace {

using node::wire::fixed_field;
using node::wire::to_field;

constexpr std::size_t kPart = 8 << 20;  // bytes of one upload call
constexpr std::size_t kAtOnce = 12;     // uploads side by side
constexpr auto kBusyPause = std::chrono::milliseconds(300);
constexpr int kBusyTries = 400;                  // two minutes
constexpr std::size_t kFinishedMax = 256 << 20;  // bytes of what is remembered of one put
constexpr int kTries = 3;                        // of a file whose upload the gateway lost

// Where an object's bytes come from.
struct Source {
    std::string label;  // for people
    std::string name;
    std::uint64_t size_hint = 0;
    ReadPart read;
    // Goes to a byte; none when it cannot, as with a pipe.
    std::function<Status(std::uint64_t offset)> seek;
    // Where an upload that was broken off is remembered; empty when it is not.
    std::string resume_path;
    // What tells one version of a file from another; empty for what cannot be read again.
    std::string identity;
};

struct Stored {
    std::string name;
    v1::FinishReply finished;
    publish::Manifest manifest;
};

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
        TRY(auto part, source.read(kPart));
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
    TRY(auto manifest, publish::Manifest::decode(as_bytes(finished->manifest())));
    if (finished->parts_size() != finished->certificates_size())
        return Error{ErrorKind::corrupt, "the gateway's answer does not hold together"};
    return Stored{source.name, std::move(*finished), std::move(manifest)};
}

// The owner's own transactions: one for up to 64 certificates. What an earlier try paid for already
// is not paid for again.
Result<ledger::Amount> pay(Session& session, const crypto::AccountKey& wallet,
                           std::span<const Stored> objects) {
    std::vector<ledger::PaidBlock> due;
    for (const auto& object : objects)
        for (int i = 0; i < object.finished.certificates_size(); ++i)
            due.push_back({to_bytes(as_bytes(object.finished.certificates(i))),
                           {object.manifest.content(), object.finished.parts(i)}});
    TRY(auto status, session.ledger().status());
    node::Sender sender(session.ledger(), wallet);
    ledger::Amount total;
    const auto certify = [&](std::span<const ledger::PaidBlock> some) -> Status {
        std::vector<ledger::PaidPart> parts;
        for (const auto& each : some) parts.push_back(each.part);
        TRY(auto fee, ledger::parts_fee(status.genesis, parts));
        TRY(auto sent, sender.send(ledger::certify_all(some, fee)));
        TRY(total, total.plus(fee));
        TRY(total, total.plus(sent.receipt.fee));
        return {};
    };
    for (std::size_t at = 0; at < due.size(); at += ledger::kCertificatesMax) {
        const auto some =
            std::span(due).subspan(at, std::min(ledger::kCertificatesMax, due.size() - at));
        auto done = certify(some);
        if (done.ok()) continue;
        if (done.error().kind != ErrorKind::already_exists) return std::move(done).error();
        // Some are paid for: one by one then.
        for (std::size_t i = 0; some.size() > 1 && i < some.size(); ++i)
            if (auto one = certify(some.subspan(i, 1));
                !one.ok() && one.error().kind != ErrorKind::already_exists)
                return std::move(one).error();
    }
    return total;
}

Status name_object(Session& session, const crypto::AccountKey& wallet, const Stored& object) {
    v1::NameRequest naming;
    naming.set_owner_request(to_field(owner_request(session, wallet, publish::OwnerAction::name,
                                                    object.name, object.manifest.content())
                                          .encode()));
    naming.set_manifest(object.finished.manifest());
    TRY_VOID(session.ask_gateway<v1::NameReply>("/mutirao.v1.Publish/Name", naming));
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
        Stored stored{source.name, {}, {}};
        if (!text.ok() || !stored.finished.ParseFromString(*text)) return std::nullopt;
        auto manifest = publish::Manifest::decode(as_bytes(stored.finished.manifest()));
        if (!manifest.ok() || stored.finished.parts_size() != stored.finished.certificates_size())
            return std::nullopt;
        stored.manifest = std::move(*manifest);
        out.push_back(std::move(stored));
    }
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

Result<std::vector<PutResult>> put_all(Session& session, const crypto::AccountKey& wallet,
                                       std::span<Source> sources, bool strong) {
    const auto began = session.clock().monotonic();
    const auto finished = finished_path(sources);
    std::vector<Stored> stored(sources.size());
    if (auto earlier = recall(session, finished, sources)) {
        stored = std::move(*earlier);
    } else {
        TRY_VOID(side_by_side(sources.size(), [&](std::size_t i) -> Status {
            TRY(stored[i], upload(session, wallet.address(), sources[i], strong));
            return {};
        }));
        TRY_VOID(remember(session, finished, stored));
    }
    TRY(auto fee, pay(session, wallet, stored));
    TRY_VOID(side_by_side(stored.size(),
                          [&](std::size_t i) { return name_object(session, wallet, stored[i]); }));
    if (!finished.empty()) static_cast<void>(session.disk().remove(finished).ok());
    std::vector<PutResult> out;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        if (!sources[i].resume_path.empty())
            static_cast<void>(session.disk().remove(sources[i].resume_path).ok());
        PutResult put;
        put.content = stored[i].manifest.content();
        put.size = stored[i].manifest.size();
        put.blocks = static_cast<std::uint32_t>(stored[i].manifest.blocks.size());
        put.fragments_per_block = stored[i].finished.fragments_per_block();
        put.stored_bytes = stored[i].finished.stored_bytes();
        for (const auto& certificate : stored[i].finished.certificates())
            put.certificate_bytes = std::max(put.certificate_bytes, certificate.size());
        put.seconds = std::chrono::duration<double>(session.clock().monotonic() - began).count();
        if (i == 0) put.fee = fee;  // of all
        out.push_back(std::move(put));
    }
    return out;
}

// What tells one version of a file from another: an upload goes on only with the same bytes.
std::string identity_of(const std::string& path, const std::string& name, const Address& owner) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {};
    std::error_code ignored;
    return std::filesystem::absolute(path, ignored).string() + '\0' + name + '\0' + owner.hex() +
           '\0' + std::to_string(facts.st_size) + ' ' + std::to_string(facts.st_mtim.tv_sec) + ' ' +
           std::to_string(facts.st_mtim.tv_nsec);
}

Result<Source> file_source(const std::string& path, std::string name, const Address& owner) {
    std::error_code failed;
    const auto kind = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(kind))
        return Error{ErrorKind::not_found, "there is no file " + path};
    if (std::filesystem::is_directory(kind))
        return Error{ErrorKind::invalid_argument, path + " is a folder; put its files one by one"};
    Source out;
    out.label = std::filesystem::path(path).filename().string();
    out.name = name.empty() ? out.label : std::move(name);
    TRY_VOID(publish::check_name(out.name));
    auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
    if (!*file) return Error{ErrorKind::permission_denied, "the file " + path + " cannot be read"};
    const auto size = std::filesystem::file_size(path, failed);
    out.size_hint = failed ? 0 : static_cast<std::uint64_t>(size);
    out.read = [file, path](std::size_t part) -> Result<Bytes> {
        Bytes bytes(part);
        file->read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(part));
        if (file->bad()) return Error{ErrorKind::io, "reading " + path + " failed"};
        bytes.resize(static_cast<std::size_t>(file->gcount()));
        return bytes;
    };
    if (!std::filesystem::is_regular_file(kind)) return out;  // a pipe is read once
    out.seek = [file, path](std::uint64_t offset) -> Status {
        file->clear();
        if (!file->seekg(static_cast<std::streamoff>(offset)))
            return Error{ErrorKind::io, "reading " + path + " failed"};
        return {};
    };
    out.identity = identity_of(path, out.name, owner);
    if (out.size_hint > kPart && !out.identity.empty()) {
        const auto digest =
            crypto::blake3_keyed(crypto::domain_key("upload"), as_bytes(out.identity));
        out.resume_path = "uploads/" + digest.hex().substr(0, 32);
    }
    return out;
}

Source standard_input(std::string name) {
    Source out;
    out.label = out.name = std::move(name);
    out.read = [](std::size_t part) -> Result<Bytes> {
        Bytes bytes(part);
        std::cin.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(part));
        if (std::cin.bad()) return Error{ErrorKind::io, "reading standard input failed"};
        bytes.resize(static_cast<std::size_t>(std::cin.gcount()));
        return bytes;
    };
    return out;
}

boost::json::object facts_of(const std::string& name, const PutResult& put) {
    return {{"name", name},
            {"content", put.content.hex()},
            {"size", put.size},
            {"blocks", put.blocks},
            {"fragments_per_block", put.fragments_per_block},
            {"stored_bytes", put.stored_bytes},
            {"certificate_bytes", put.certificate_bytes},
            {"cost_wei", put.fee.decimal()},
            {"seconds", put.seconds},
            {"mb_per_s", static_cast<double>(put.size) / 1e6 / std::max(put.seconds, 1e-9)}};
}

struct PutOptions {
    std::vector<std::string> files;
    std::string name, wallet;
    bool strong = false;
};

Status run_put(const GlobalOptions& globals, const PutOptions& options) {
    TRY(auto session, Session::open(globals));
    if (!options.name.empty()) {
        TRY_VOID(publish::check_name(options.name));
        if (options.files.size() > 1)
            return Error{ErrorKind::invalid_argument, "--name is for one file"};
    }
    const bool from_input = options.files.size() == 1 && options.files.front() == "-";
    if (from_input && options.name.empty())
        return Error{ErrorKind::invalid_argument, "what comes from standard input needs a --name"};
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(options.wallet));
    std::vector<Source> sources;
    for (const auto& path : options.files) {
        if (from_input) {
            sources.push_back(standard_input(options.name));
            break;
        }
        TRY(auto source, file_source(path, options.name, wallet.address()));
        sources.push_back(std::move(source));
    }
    TRY(const auto puts, put_all(*session, wallet, sources, options.strong));
    boost::json::array list;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < puts.size(); ++i) {
        list.push_back(facts_of(sources[i].name, puts[i]));
        bytes += puts[i].size;
    }
    if (puts.size() > 1) {
        session->out().facts({{"objects", std::move(list)}});
        session->out().line("stored " + std::to_string(puts.size()) + " objects, " +
                            size_text(bytes) + ", cost " + puts.front().fee.text());
        return {};
    }
    const auto& put = puts.front();
    session->out().facts(list.front().as_object());
    char rate_text[32];
    std::snprintf(rate_text, sizeof(rate_text), "%.1f MB/s",
                  static_cast<double>(put.size) / 1e6 / std::max(put.seconds, 1e-9));
    session->out().line("stored \"" + sources.front().name + "\": " + size_text(put.size) + " in " +
                        std::to_string(put.blocks) + " block(s) of " +
                        std::to_string(put.fragments_per_block) + " fragments, " +
                        size_text(put.stored_bytes) + " on the nodes, certificate " +
                        std::to_string(put.certificate_bytes) + " bytes, cost " + put.fee.text() +
                        ", " + rate_text);
    return {};
}

}  // namespace

Result<PutResult> put_object(Session& session, const crypto::AccountKey& wallet,
                             const std::string& name, std::uint64_t size_hint,
                             const ReadPart& read) {
    Source source;
    source.label = source.name = name;
    source.size_hint = size_hint;
    source.read = read;
    TRY(auto puts, put_all(session, wallet, {&source, 1}, false));
    return std::move(puts.front());
}

void add_put_command(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<PutOptions>();
    auto* put = app.add_subcommand("put", "store files: encrypted, coded, certified");
    put->add_option("files", chosen->files,
                    "the files, or - for standard input; one that was broken off goes on")
        ->required();
    put->add_option("--name", chosen->name, "its name on the network (default: the file's)");
    put->add_option("--wallet", chosen->wallet, "whose they are, and who pays");
    put->add_flag("--strong", chosen->strong,
                  "certificates that even colluding nodes cannot have signed for other data");
    put->callback(
        [&, chosen] { action = [&options, chosen] { return run_put(options, *chosen); }; });
}

}  // namespace mutirao::cli
