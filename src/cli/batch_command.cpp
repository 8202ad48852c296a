// `mutirao ledger send`: signed transactions from a file, by the data lane.
#include <filesystem>
#include <fstream>

#include "cli/commands.hpp"
#include "lane/batch.hpp"
#include "node/ledger_lane.hpp"

namespace mutirao::cli {
namespace {

constexpr auto kDeadline = std::chrono::seconds(30);
constexpr auto kAgain = std::chrono::milliseconds(200);
constexpr auto kPatience = std::chrono::seconds(30);

struct SendOptions {
    std::string file;
    std::size_t together = 500;
};

Result<std::vector<Bytes>> transactions_in(const std::string& path) {
    std::ifstream file(path);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(path, ignored))
        return Error{ErrorKind::not_found, "there is no file " + path + " that can be read"};
    std::vector<Bytes> out;
    std::string line;
    for (std::size_t number = 1; std::getline(file, line); ++number) {
        std::string_view text = line;
        if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
        if (text.empty()) continue;
        if (text.starts_with("0x")) text.remove_prefix(2);
        auto raw = from_hex(text);
        if (!raw.ok())
            return std::move(raw).error().within(path + ":" + std::to_string(number) +
                                                 ": a signed transaction in hexadecimal digits");
        out.push_back(std::move(*raw));
    }
    if (out.empty())
        return Error{ErrorKind::invalid_argument, path + " has no transactions, one a line"};
    return out;
}

// As many of the first as a batch takes.
lane::Batch batch_of(std::span<const Bytes> transactions, std::size_t together) {
    lane::Batch out;
    std::size_t bytes = 0;
    for (const auto& raw : transactions) {
        bytes += raw.size();
        if (out.transactions.size() == together ||
            (bytes > lane::kBatchBytesMax && !out.transactions.empty()))
            break;
        out.transactions.push_back(raw);
    }
    return out;
}

// The same bytes again while the ledger is busy or too few keepers answer: a number stands for one
// batch.
Result<lane::Certificate> put(Session& session, ByteSpan batch) {
    const auto until = session.clock().monotonic() + kPatience;
    for (;;) {
        const auto answer =
            session.network().call(session.ledger().endpoint(), node::kPutBatch, batch, kDeadline);
        if (answer.ok()) return lane::Certificate::decode(*answer);
        const auto kind = answer.error().kind;
        if ((kind != ErrorKind::resource_exhausted && kind != ErrorKind::unavailable) ||
            session.clock().monotonic() > until)
            return answer.error();
        session.clock().sleep(kAgain);
    }
}

Status run_send(const GlobalOptions& globals, const SendOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto transactions, transactions_in(options.file));
    TRY_VOID(session->connect());
    // Nobody in particular: transactions are signed, and a new author begins at number 0.
    const auto author = crypto::AccountKey::generate(session->random());
    boost::json::array list;
    std::size_t certificates = 0;
    const std::span<const Bytes> all(transactions);
    for (std::size_t at = 0; at < all.size();) {
        auto batch = batch_of(all.subspan(at), options.together);
        batch.sequence = list.size();
        batch.sign(author, session->chain_id());
        TRY(const auto certificate, put(*session, batch.encode()));
        at += batch.transactions.size();
        const auto bytes = certificate.encode().size();
        certificates += bytes;
        list.push_back({{"digest", certificate.batch.digest.hex()},
                        {"transactions", certificate.batch.count},
                        {"bytes", certificate.batch.bytes},
                        {"signers", certificate.signer_places().size()},
                        {"certificate_bytes", bytes}});
    }
    session->out().line(std::to_string(all.size()) + " transactions wait for a block in " +
                        std::to_string(list.size()) + " batches, certified in " +
                        std::to_string(certificates) + " bytes");
    session->out().facts({{"transactions", all.size()}, {"batches", std::move(list)}});
    return {};
}

}  // namespace

void add_send_command(CLI::App& ledger, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<SendOptions>();
    auto* send = ledger.add_subcommand(
        "send", "send many signed transactions as batches, which pass beside consensus");
    send->add_option("file", chosen->file,
                     "signed transactions in hexadecimal digits, one a line, each account's in the "
                     "order of its nonces")
        ->required();
    send->add_option("--together", chosen->together, "transactions a batch")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, lane::kBatchTransactionsMax));
    send->callback(
        [&, chosen] { action = [&options, chosen] { return run_send(options, *chosen); }; });
}

}  // namespace mutirao::cli
