// `mutirao put`: files, folders or standard input become objects.
#include <iterator>

#include "cli/object_put.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::cli {
namespace {

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
    if (from_input) sources.push_back(standard_input(options.name));
    for (const auto& path : options.files) {
        if (from_input) break;
        TRY(auto found, sources_at(path, options.name, wallet.address()));
        std::move(found.begin(), found.end(), std::back_inserter(sources));
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
    auto* put = app.add_subcommand("put", "store files and folders: encrypted, coded, certified");
    put->add_option("files", chosen->files,
                    "files and folders, or - for standard input; what was broken off goes on")
        ->required();
    put->add_option("--name", chosen->name, "its name on the network (default: the file's)");
    add_wallet_option(*put, chosen->wallet, "whose they are, and who pays");
    put->add_flag("--strong", chosen->strong,
                  "certificates that even colluding nodes cannot have signed for other data");
    put->callback(
        [&, chosen] { action = [&options, chosen] { return run_put(options, *chosen); }; });
}

}  // namespace mutirao::cli
