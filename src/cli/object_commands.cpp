// `mutirao get`, `ls` and `rm`.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/object_lookup.hpp"
#include "mutirao/v1/publish.pb.h"
#include "node/wire/fields.hpp"
#include "os/terminal.hpp"
#include "publish/manifest.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::cli {
namespace {

using node::wire::fixed_field;
using node::wire::to_field;

// A request for the key's shares that the gateway may use to read, or to make keepers forget.
Result<rights::KeyRequest> key_request(Session& session, const crypto::AccountKey& wallet,
                                       const Digest& content, rights::KeyAction action) {
    TRY(auto hello,
        session.ask_gateway<v1::HelloReply>("/mutirao.v1.Publish/Hello", v1::HelloRequest{}));
    rights::KeyRequest request;
    request.action = action;
    request.content = content;
    TRY(request.reply_to, fixed_field<crypto::BoxPublicKey>(hello.box_key()));
    request.expires_unix_ms = session.clock().unix_ms() + rights::kRequestLifeMaxMs / 2;
    request.sign(wallet);
    return request;
}

Result<v1::ListReply> list_objects(Session& session, const crypto::AccountKey& wallet) {
    v1::ListRequest request;
    request.set_owner_request(
        to_field(owner_request(session, wallet, publish::OwnerAction::list, "", {}).encode()));
    return session.ask_gateway<v1::ListReply>("/mutirao.v1.Publish/List", request);
}

// A name of the wallet's own, or a content id in hex.
Result<Digest> find_content(Session& session, const crypto::AccountKey& wallet,
                            const std::string& name) {
    auto object = find_object(session, wallet, name);
    if (object.ok()) return object->content;
    if (name.size() == 64)
        if (auto content = Digest::from_hex(name); content.ok()) return content;
    return std::move(object).error();
}

// Writes beside the target first, so that a failed read never destroys what was there. What is no
// file (a pipe, a device) is written to as it is, and never replaced.
class Target {
  public:
    explicit Target(std::string path) : path_(std::move(path)), partial_(path_ + ".part") {}
    ~Target() {
        std::error_code ignored;
        if (is_file_ && !done_) std::filesystem::remove(partial_, ignored);
    }
    Status open() {
        std::error_code ignored;
        const auto there = std::filesystem::status(path_, ignored);
        if (std::filesystem::is_directory(there))
            return Error{ErrorKind::invalid_argument, path_ + " is a folder: name a file in it"};
        is_file_ = !std::filesystem::exists(there) || std::filesystem::is_regular_file(there);
        if (!is_file_) partial_ = path_;
        file_.open(partial_, std::ios::binary | std::ios::trunc);
        if (!file_) return Error{ErrorKind::permission_denied, "cannot write to " + partial_};
        return {};
    }
    Status write(ByteSpan bytes) {
        file_.write(reinterpret_cast<const char*>(bytes.data()),
                    static_cast<std::streamsize>(bytes.size()));
        if (!file_)
            return Error{ErrorKind::resource_exhausted,
                         "writing " + partial_ + " failed: is the disk full?"};
        return {};
    }
    Status finish() {
        file_.close();
        std::error_code failed;
        if (file_ && is_file_) std::filesystem::rename(partial_, path_, failed);
        if (!file_ || failed) return Error{ErrorKind::io, "cannot write " + path_};
        done_ = true;
        return {};
    }

  private:
    const std::string path_;
    std::string partial_;
    std::ofstream file_;
    bool is_file_ = false, done_ = false;
};

Status run_get(const GlobalOptions& globals, const std::string& name, std::string path,
               const std::string& wallet_name) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(wallet_name));
    const auto began = session->clock().monotonic();
    TRY(auto content, find_content(*session, wallet, name));
    TRY(auto request, key_request(*session, wallet, content, rights::KeyAction::release));
    v1::OpenReadRequest open;
    open.set_content(to_field(content.span()));
    open.set_key_request(to_field(request.encode()));
    TRY(auto opened, session->ask_gateway<v1::OpenReadReply>("/mutirao.v1.Publish/OpenRead", open));
    TRY(auto manifest, publish::Manifest::decode(as_bytes(opened.manifest())));
    if (path.empty()) path = std::filesystem::path(name).filename().string();
    Target target(path);
    TRY_VOID(target.open());
    os::ProgressBar bar(session->clock(), "get " + name, manifest.size());
    std::uint64_t data_rows = 0, parity_rows = 0, rows = 0;
    std::uint32_t nodes = ~0u;
    for (std::uint32_t i = 0; i < manifest.blocks.size(); ++i) {
        v1::ReadBlockRequest read;
        read.set_read(opened.read());
        read.set_index(i);
        TRY(auto block,
            session->ask_gateway<v1::ReadBlockReply>("/mutirao.v1.Publish/ReadBlock", read));
        TRY_VOID(target.write(as_bytes(block.data())));
        bar.add(block.data().size());
        data_rows += block.data_rows_used();
        parity_rows += block.parity_rows_used();
        rows += block.rows_total();
        nodes = std::min(nodes, block.nodes_answered());
    }
    TRY_VOID(target.finish());
    const auto seconds =
        std::chrono::duration<double>(session->clock().monotonic() - began).count();
    session->out().facts({{"name", name},
                          {"file", path},
                          {"size", manifest.size()},
                          {"rows_total", rows},
                          {"data_rows_used", data_rows},
                          {"parity_rows_used", parity_rows},
                          {"nodes_answered", nodes},
                          {"seconds", seconds},
                          {"mb_per_s", static_cast<double>(manifest.size()) / 1e6 / seconds}});
    session->out().line("read " + size_text(manifest.size()) + " into " + path + " from " +
                        std::to_string(data_rows + parity_rows) + " of " + std::to_string(rows) +
                        " fragments (" + std::to_string(parity_rows) + " of them parity), " +
                        std::to_string(nodes) + " nodes answering");
    return {};
}

Status run_ls(const GlobalOptions& globals, const std::string& wallet_name) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(wallet_name));
    TRY(auto listed, list_objects(*session, wallet));
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{{"name", "bytes", "blocks", "content"}};
    for (const auto& object : listed.objects()) {
        const auto content = to_hex(as_bytes(object.content()));
        list.push_back({{"name", object.name()},
                        {"size", object.size()},
                        {"blocks", object.blocks()},
                        {"content", content},
                        {"stored_ms", object.stored_ms()}});
        rows.push_back({object.name(), size_text(object.size()), std::to_string(object.blocks()),
                        content.substr(0, 16)});
    }
    session->out().facts({{"objects", std::move(list)}});
    session->out().table(rows);
    return {};
}

Status run_rm(const GlobalOptions& globals, const std::string& name,
              const std::string& wallet_name) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(wallet_name));
    TRY(auto content, find_content(*session, wallet, name));
    TRY(const auto manifest, manifest_of(*session, wallet, content));
    node::Sender sender(session->ledger(), wallet);
    for (const auto& block : manifest.blocks) {
        auto sent = sender.send(ledger::release_block(block.id, {&content, 1}));
        // Released before, by a removal that did not get to its end: go on from there.
        if (!sent.ok() && sent.error().kind != ErrorKind::already_exists)
            return std::move(sent).error();
    }
    TRY(auto forgetting, key_request(*session, wallet, content, rights::KeyAction::forget));
    v1::RemoveRequest remove;
    remove.set_owner_request(to_field(
        owner_request(*session, wallet, publish::OwnerAction::remove, name, content).encode()));
    remove.set_key_request(to_field(forgetting.encode()));
    TRY(auto removed, session->ask_gateway<v1::RemoveReply>("/mutirao.v1.Publish/Remove", remove));
    session->out().facts(
        {{"name", name}, {"blocks", removed.blocks()}, {"nodes", removed.nodes()}});
    session->out().line("removed \"" + name + "\": " + std::to_string(removed.blocks()) +
                        " block(s) dropped by " + std::to_string(removed.nodes()) + " nodes");
    return {};
}

}  // namespace

publish::OwnerRequest owner_request(Session& session, const crypto::AccountKey& wallet,
                                    publish::OwnerAction action, const std::string& name,
                                    const Digest& content) {
    publish::OwnerRequest request{
        action, name, content, session.clock().unix_ms() + publish::kRequestLifeMs, {}};
    request.sign(wallet, session.chain_id());
    return request;
}

Result<publish::Manifest> manifest_of(Session& session, const crypto::AccountKey& wallet,
                                      const Digest& content) {
    TRY(auto reading, key_request(session, wallet, content, rights::KeyAction::release));
    v1::OpenReadRequest open;
    open.set_content(to_field(content.span()));
    open.set_key_request(to_field(reading.encode()));
    TRY(auto opened, session.ask_gateway<v1::OpenReadReply>("/mutirao.v1.Publish/OpenRead", open));
    return publish::Manifest::decode(as_bytes(opened.manifest()));
}

Result<OwnedObject> find_object(Session& session, const crypto::AccountKey& wallet,
                                const std::string& name) {
    TRY(auto listed, list_objects(session, wallet));
    for (const auto& object : listed.objects()) {
        TRY(auto content, fixed_field<Digest>(object.content()));
        if (object.name() == name || content.hex() == name)
            return OwnedObject{object.name(), content, object.size()};
    }
    return Error{ErrorKind::not_found, "no object is called \"" + name + "\""};
}

void add_object_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    struct Chosen {
        std::string name, wallet, output;
    };
    auto chosen = std::make_shared<Chosen>();
    auto* get = app.add_subcommand("get", "read an object back");
    get->add_option("name", chosen->name, "its name, or its content id")->required();
    get->add_option("-o,--output", chosen->output, "file to write (default: its name, here)");
    add_wallet_option(*get, chosen->wallet, "whose it is");
    get->callback([&, chosen] {
        action = [&options, chosen] {
            return run_get(options, chosen->name, chosen->output, chosen->wallet);
        };
    });
    auto* ls = app.add_subcommand("ls", "a wallet's objects");
    add_wallet_option(*ls, chosen->wallet, "whose objects");
    ls->callback(
        [&, chosen] { action = [&options, chosen] { return run_ls(options, chosen->wallet); }; });
    auto* rm = app.add_subcommand("rm", "remove an object: its name, fragments and key");
    rm->add_option("name", chosen->name, "its name")->required();
    add_wallet_option(*rm, chosen->wallet, "whose it is");
    rm->callback([&, chosen] {
        action = [&options, chosen] { return run_rm(options, chosen->name, chosen->wallet); };
    });
}

}  // namespace mutirao::cli
