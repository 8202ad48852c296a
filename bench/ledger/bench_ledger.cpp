// bench_ledger [--seconds N] [--accounts N] [--only NAME] [--no-peers] [--short] [--out FOLDER]
//
// --short: 4 seconds each over 100,000 accounts, without the peers, within 90 seconds in all.
// How many signed transactions a second the ledger makes final, and what one costs: real processes,
// JSON-RPC, this program as the client. NAME is one of kRuns, "crowd" or "sync", or how some begin.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <iostream>
#include <numeric>
#include <thread>

#include "consensus/engine.hpp"
#include "ledger/crowd.hpp"
#include "ledger/heads.hpp"
#include "ledger/lane_client.hpp"
#include "ledger/restart.hpp"
#include "ledger/server.hpp"
#include "ledger/state_sync.hpp"
#include "os/clock.hpp"
#include "report/report.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::bench;
using std::chrono::steady_clock;

constexpr std::size_t kConnections = 16;
constexpr std::size_t kProbes = 4;
// More than is hoped for, so that no row runs out. Signing a certificate takes 4 ms.
constexpr double kSignedASecond[] = {20'000, 14'000};  // transfers, mix
constexpr std::size_t kCrowd = 10'000;                 // sockets

enum class Way { http, websocket, lane };

struct Run {
    const char* name;
    const char* what;
    Kind kind;
    Way way;
};
constexpr Run kRuns[] = {
    {"transfers-http", "transfers, batches of 100 over HTTP", Kind::transfers, Way::http},
    {"transfers-ws", "transfers, batches of 100 over WebSocket", Kind::transfers, Way::websocket},
    {"transfers-lane", "transfers, batches of 500 on the data lane", Kind::transfers, Way::lane},
    {"mix-http", "the mix, batches of 100 over HTTP", Kind::mix, Way::http},
    {"mix-ws", "the mix, batches of 100 over WebSocket", Kind::mix, Way::websocket},
    {"mix-lane", "the mix, batches of 500 on the data lane", Kind::mix, Way::lane},
};

struct Options {
    std::filesystem::path folder = "build/bench";
    double seconds = 60;
    std::size_t accounts = kAccounts;
    bool peers = true;
    std::string only;

    bool wants(std::string_view name) const { return name.starts_with(only); }
};

struct Measured {
    double tps = 0;
    std::vector<double> finality_ms;  // ascending
    std::vector<double> heads_ms;     // likewise; over a WebSocket only
    double cpu_us = 0, client_cpu_us = 0, recover_us = 0;
    std::uint64_t sent_again = 0, peak_bytes = 0, transactions = 0;
    MemoryWatch::Peaks memory;
    Restart restart;                     // just before the next snapshot
    std::optional<Restart> within = {};  // while it was being written
};

[[noreturn]] void stop(const std::string& why) {
    std::cerr << "bench_ledger: " << why << '\n';
    std::exit(1);
}

template <class T>
T need(Result<T> result) {
    if (!result.ok()) stop(result.error().message);
    return std::move(result).value();
}

double seconds_since(Duration began) {
    return std::chrono::duration<double>(steady_clock::now().time_since_epoch() - began).count();
}

// Waits until all that was accepted is in blocks, and checks that it is.
void wait_until_mined(const Opener& open, const Chain& chain, const Loaded& loaded) {
    const auto senders = chain.senders();
    const auto connection = need(open());
    std::vector<Address> last;
    std::vector<std::uint64_t> wanted;
    for (std::size_t row = 0; row < loaded.row_ends.size(); ++row) {
        const auto end = loaded.row_ends[row];
        if (end == 0) continue;
        last.push_back(senders[row * kSendersPerRow + (end - 1) % kSendersPerRow]);
        wanted.push_back((end - 1) / kSendersPerRow + 1);
    }
    const auto until = steady_clock::now() + std::chrono::seconds(60);
    while (need(nonces(*connection, last)) < wanted) {
        if (steady_clock::now() > until) stop("accepted transactions are in no block");
        os::SystemClock().sleep(std::chrono::milliseconds(5));
    }
}

std::uint64_t count_mined(const Opener& open, const Chain& chain) {
    const auto connection = need(open());
    std::uint64_t mined = 0;
    for (const auto nonce : need(nonces(*connection, chain.senders()))) mined += nonce;
    return mined;
}

void check_count(const Opener& open, const Chain& chain, const Loaded& loaded) {
    const auto mined = count_mined(open, chain);
    if (mined != loaded.accepted)
        stop(std::to_string(loaded.accepted) + " were accepted and " + std::to_string(mined) +
             " are in blocks");
}

SenderOpener sender_of(Way way, const Server& server, const Chain& chain) {
    if (way == Way::lane) return by_lane(server.endpoint(), chain.genesis().chain_id);
    return by_json(way == Way::http ? over_http(server.port()) : over_websocket(server.port()),
                   render_ethereum);
}

// That what ran did what it was for: receipts of each row's last ones, as the first ones' may be
// forgotten by now.
void check_receipts(const Opener& open, const Loaded& loaded, const std::vector<Sequence>& rows) {
    const auto connection = need(open());
    for (std::size_t r = 0; r < rows.size(); ++r)
        for (auto i = loaded.row_ends[r] - std::min<std::size_t>(20, loaded.row_ends[r]);
             i < loaded.row_ends[r]; ++i) {
            const auto hash = mutirao::ledger::Transaction::hash(rows[r].at(i)).hex();
            const auto receipt =
                need(call(*connection, "eth_getTransactionReceipt", "[\"0x" + hash + "\"]"));
            if (receipt.find("\"status\":\"0x1\"") == receipt.npos)
                stop("a transaction did not succeed: " + receipt);
        }
}

// Sends more, as far as more is signed, until the ledger is about to begin its next snapshot: a
// restart takes longest then.
void fill_up_to_snapshot(const Server& server, const SenderOpener& open, const Chain& chain,
                         const std::vector<Sequence>& rows, Loaded& loaded) {
    constexpr std::uint64_t kLeft = 1000;
    const auto http = over_http(server.port());
    const auto connection = need(http());
    const auto since = need(server.transactions_since_snapshot(*connection));
    const auto wanted = consensus::EngineOptions().snapshot_transactions - kLeft;
    std::vector<Sequence> rest(rows.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const auto from = rows[r].begin() + static_cast<std::ptrdiff_t>(loaded.row_ends[r]);
        const auto count =
            std::min<std::uint64_t>(wanted > since ? (wanted - since) / rows.size() : 0,
                                    static_cast<std::uint64_t>(rows[r].end() - from));
        rest[r].assign(from, from + static_cast<std::ptrdiff_t>(count));
        loaded.row_ends[r] += count;
    }
    const auto more = run_load({open, 100, std::chrono::minutes(1)}, rest);
    if (!more.trouble.empty()) stop("before the kill: " + more.trouble);
    loaded.accepted += more.accepted;
    wait_until_mined(http, chain, loaded);
}

// Sends what makes the ledger begin its next snapshot, and kills it while it writes that. nullopt
// when none began, for lack of signed transactions.
std::optional<Restart> restart_within_snapshot(Server& server, const SenderOpener& open,
                                               const std::vector<Sequence>& rows,
                                               const Loaded& loaded) {
    constexpr std::size_t kMore = 20'000;
    std::vector<Sequence> rest(rows.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const auto from = rows[r].begin() + static_cast<std::ptrdiff_t>(loaded.row_ends[r]);
        const auto count = std::min<std::ptrdiff_t>(kMore / rows.size(), rows[r].end() - from);
        rest[r].assign(from, from + count);
    }
    std::atomic<bool> sent = false;
    std::thread load([&] {
        static_cast<void>(run_load({open, 100, std::chrono::minutes(1)}, rest));
        sent = true;
    });
    const auto seen_until = [&] {
        while (!server.writes_snapshot()) {
            if (sent) return false;
            os::SystemClock().sleep(std::chrono::milliseconds(1));
        }
        return true;
    };
    std::optional<Restart> out;
    if (seen_until()) out = need(restart(server));
    load.join();
    return out;
}

// One set of each kind, for every way that it is sent: each run begins with the same chain.
std::vector<Sequence> signed_for(Kind kind, const Options& options, const Chain& chain) {
    std::cerr << "signing " << (kind == Kind::mix ? "the mix" : "transfers") << '\n';
    const auto each = kSignedASecond[kind == Kind::mix];
    return chain.sign(kind, static_cast<std::size_t>(each * options.seconds) + kConnections);
}

Measured measure(const Run& run, const Options& options, const Chain& chain,
                 const std::vector<Sequence>& rows, const std::filesystem::path& folder) {
    auto server = need(Server::ledger(folder, chain));
    const auto http = over_http(server.port());
    const auto lasts =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds));
    Measured out;
    out.recover_us = recover_us(rows);
    std::atomic<bool> over = false;
    Result<Heads> heads = Heads();
    std::thread listener;
    if (run.way == Way::websocket)
        listener = std::thread([&, subscribed = need(subscribe_to_heads(server.port()))] {
            heads = hear_heads(*subscribed, over);
        });
    std::vector<std::vector<Probe>> probed(kProbes);
    std::vector<std::thread> probes;
    for (std::size_t i = 0; i < kProbes; ++i)
        probes.emplace_back([&, row = chain.sign_probe(i, 4000), i] {
            probed[i] = probe_finality(http, row, lasts);
        });
    const auto cpu_before = server.cpu_s();
    MemoryWatch memory(server);
    const auto open = sender_of(run.way, server, chain);
    auto loaded = run_load({open, run.way == Way::lane ? 500u : 100u, lasts}, rows);
    if (!loaded.trouble.empty()) stop(std::string(run.what) + ": " + loaded.trouble);
    wait_until_mined(http, chain, loaded);
    const auto took = seconds_since(loaded.began);
    const auto cpu = server.cpu_s() - cpu_before;
    out.memory = memory.stop();
    for (auto& probe : probes) probe.join();
    over = true;
    if (listener.joinable()) listener.join();
    check_count(http, chain, loaded);
    check_receipts(http, loaded, rows);
    std::vector<Probe> all_probed;
    for (const auto& each : probed) all_probed.insert(all_probed.end(), each.begin(), each.end());
    out.finality_ms = finality_ms(all_probed);
    if (run.way == Way::websocket) out.heads_ms = need(told_after_ms(all_probed, need(heads)));
    const auto count = static_cast<double>(loaded.accepted);
    out.tps = count / took;
    out.cpu_us = cpu * 1e6 / count;
    out.client_cpu_us = loaded.client_cpu_s * 1e6 / count;
    out.sent_again = loaded.sent_again;
    out.transactions = loaded.accepted;
    out.peak_bytes = server.peak_bytes();
    fill_up_to_snapshot(server, open, chain, rows, loaded);
    out.restart = need(restart(server));
    check_count(over_http(server.port()), chain, loaded);
    out.within = restart_within_snapshot(server, sender_of(run.way, server, chain), rows, loaded);
    if (out.within && count_mined(over_http(server.port()), chain) < loaded.accepted)
        stop("a kill within a snapshot lost what was final");
    return out;
}

// Transactions a second of somebody else's program under the same client.
struct Peer {
    std::string name;
    Result<double> tps;
    std::string note;
};

std::string render_comet(std::span<const Bytes> transactions) {
    static constexpr char kDigits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out = "[";
    for (const auto& raw : transactions) {
        // As long as the transfer, and "key=value", as that application wants it.
        auto text = to_hex(raw).substr(to_hex(raw).size() - raw.size());
        text[text.size() / 2] = '=';
        while (text.size() % 3 != 0) text += '0';
        if (out.size() > 1) out += ',';
        out += R"({"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{"tx":")";
        for (std::size_t i = 0; i < text.size(); i += 3) {
            const unsigned bits = static_cast<unsigned char>(text[i]) << 16 |
                                  static_cast<unsigned char>(text[i + 1]) << 8 |
                                  static_cast<unsigned char>(text[i + 2]);
            for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[bits >> shift & 63];
        }
        out += "\"}}";
    }
    return out += ']';
}

using Waiting = std::function<Result<std::uint64_t>(Connection&)>;

Result<double> measure_peer(Result<Server> server, const Render& render, const Waiting& waiting,
                            const std::vector<Sequence>& rows, Duration lasts,
                            const Waiting& counted) {
    if (!server.ok()) return std::move(server).error();
    const auto open = over_http(server->port());
    const auto loaded = run_load({by_json(open, render), 100, lasts}, rows);
    if (!loaded.trouble.empty()) return Error{ErrorKind::unavailable, loaded.trouble};
    TRY(auto connection, open());
    for (;;) {
        TRY(const auto left, waiting(*connection));
        const auto took = seconds_since(loaded.began);
        if (left == 0 || took > 180) {
            auto done = loaded.accepted - std::min(left, loaded.accepted);
            // What was accepted may have been dropped since.
            if (counted) {
                TRY(done, counted(*connection));
            }
            return static_cast<double>(done) / took;
        }
        os::SystemClock().sleep(std::chrono::milliseconds(20));
    }
}

std::vector<Peer> measure_peers(const Options& options, const Chain& chain,
                                const std::filesystem::path& folder) {
    const double seconds = std::min(options.seconds, 15.0);
    const auto lasts = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    const auto rows =
        chain.sign(Kind::transfers, static_cast<std::size_t>(kSignedASecond[0] * seconds));
    std::cerr << "measuring anvil\n";
    std::vector<Peer> out;
    out.push_back({"anvil (one process, blocks each second, no disk)",
                   measure_peer(Server::anvil(folder / "anvil", chain), render_ethereum,
                                waiting_at_ethereum, rows, lasts,
                                [&](Connection& connection) -> Result<std::uint64_t> {
                                    TRY(const auto each, nonces(connection, chain.senders()));
                                    return std::accumulate(each.begin(), each.end(),
                                                           std::uint64_t{0});
                                }),
                   "the same transfers"});
    std::cerr << "measuring CometBFT's kvstore\n";
    out.push_back({"CometBFT kvstore (one validator)",
                   measure_peer(Server::kvstore(folder / "comet"), render_comet, waiting_at_comet,
                                rows, lasts, pairs_at_comet),
                   "unsigned pairs of the same size, broadcast_tx_sync"});
    return out;
}

bench::Goal at_least(double number) { return {bench::Goal::Of::value_at_least, number}; }
bench::Goal at_most(double number) { return {bench::Goal::Of::value_at_most, number}; }

double quantile(const std::vector<double>& ascending, double q) {
    if (ascending.empty()) return 0;
    return ascending[static_cast<std::size_t>(q * static_cast<double>(ascending.size() - 1))];
}

std::string rounded(double value) { return bench::short_number(value); }

void report_waits(const std::string& what, const Measured& got, std::vector<bench::Row>& rows) {
    const auto add = [&](const char* of, const std::vector<double>& samples, const char* until) {
        const auto note = std::to_string(samples.size()) +
                          " samples under full load, from sending until " + until;
        rows.push_back(
            {what + of + " p50", quantile(samples, 0.5), "ms", "", {}, at_most(250), note});
        rows.push_back(
            {what + of + " p99", quantile(samples, 0.99), "ms", "", {}, at_most(1000), note});
    };
    add(": finality", got.finality_ms, "the receipt is read");
    if (!got.heads_ms.empty())
        add(": heads", got.heads_ms, "a subscription tells the head of its block");
}

std::string parts_of(const Restart& restart) {
    return "the state out of the snapshot " + rounded(restart.snapshot_ms) +
           " ms, the log after it " + rounded(restart.log_ms) + " ms for " +
           std::to_string(restart.run_again) + " transactions, of at most " +
           std::to_string(consensus::EngineOptions().snapshot_transactions) +
           "; beside the answers, old blocks and receipts " + rounded(restart.old_ms) + " ms";
}

void report_restarts(const std::string& what, const Measured& got, std::vector<bench::Row>& rows) {
    rows.push_back({what + ": restart after SIGKILL",
                    got.restart.answer_ms,
                    "ms",
                    "",
                    {},
                    at_most(5000),
                    "until wallets are answered: " + parts_of(got.restart)});
    rows.push_back({what + ": restart after SIGKILL within a snapshot",
                    got.within ? std::optional(got.within->answer_ms) : std::nullopt,
                    "ms",
                    "",
                    {},
                    at_most(5000),
                    got.within ? parts_of(*got.within) : "too few transactions for a snapshot"});
    const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes >> 20); };
    rows.push_back({what + ": memory beside a snapshot",
                    got.memory.beside_snapshot > 0 ? std::optional(mib(got.memory.beside_snapshot))
                                                   : std::nullopt,
                    "MiB",
                    "",
                    {},
                    std::nullopt,
                    "the largest resident set while one is written; while none is, " +
                        rounded(mib(got.memory.without))});
}

void report(const Run& run, const Measured& got, const std::vector<Peer>& peers,
            std::vector<bench::Row>& rows) {
    const std::string what = run.what;
    rows.push_back({what,
                    got.tps,
                    "tx/s",
                    "",
                    {},
                    at_least(11'000),
                    std::to_string(got.transactions) +
                        " made final; batches sent again for lack "
                        "of room: " +
                        std::to_string(got.sent_again)});
    if (run.kind == Kind::transfers)
        for (const auto& peer : peers) {
            const auto value = peer.tps.ok() ? std::optional(*peer.tps) : std::nullopt;
            rows.push_back({what, got.tps, "tx/s", peer.name, value,
                            bench::Goal{bench::Goal::Of::ratio_at_least, 5},
                            value ? peer.note : peer.tps.error().message});
        }
    rows.push_back({what + ": CPU of the ledger",
                    got.cpu_us,
                    "us/tx",
                    "",
                    {},
                    run.kind == Kind::transfers ? std::optional(at_most(90)) : std::nullopt,
                    "recovering a signer, among many, takes " + rounded(got.recover_us) + " us, " +
                        rounded(100 * got.recover_us / got.cpu_us) + " % of it; the client " +
                        rounded(got.client_cpu_us) + " us; peak memory " +
                        std::to_string(got.peak_bytes >> 20) + " MiB"});
    report_waits(what, got, rows);
    report_restarts(what, got, rows);
}

void report_crowd(const Options& options, const Chain& chain, const std::filesystem::path& folder,
                  std::vector<bench::Row>& rows) {
    std::cerr << "measuring a crowd of sockets\n";
    const auto server = need(Server::ledger(folder, chain));
    const auto lasts = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::min(options.seconds, 10.0)));
    const auto got = need(stand_in_crowd(server, kCrowd, chain.sign_probe(0, 4000), lasts));
    const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes >> 20); };
    const std::string what =
        std::to_string(got.sockets) + " sockets, half subscribed to heads, that vanish";
    rows.push_back({what + ": served at once",
                    static_cast<double>(got.answered),
                    "sockets",
                    "",
                    {},
                    at_least(1000),
                    std::to_string(got.turned_away) + " turned away: there is a limit"});
    rows.push_back({what + ": memory for them",
                    mib(got.bytes_with) - mib(got.bytes_before),
                    "MiB",
                    "",
                    {},
                    at_most(512),
                    "of " + rounded(mib(got.bytes_with)) + " MiB; after they vanished " +
                        rounded(mib(got.bytes_after))});
    rows.push_back({what + ": finality p99 of a wallet beside them",
                    quantile(got.finality_ms, 0.99),
                    "ms",
                    "",
                    {},
                    at_most(1000),
                    std::to_string(got.finality_ms.size()) + " samples"});
    rows.push_back({what + ": first answer to a newcomer afterwards",
                    got.answer_after_ms,
                    "ms",
                    "",
                    {},
                    at_most(1000),
                    "on a connection of its own"});
}

void report_sync(const Options& options, const Chain& chain, const std::filesystem::path& folder,
                 std::vector<bench::Row>& rows) {
    std::cerr << "measuring a ledger that joins late\n";
    const auto got = need(sync_state(chain, folder));
    rows.push_back({"state sync of " + std::to_string(options.accounts) + " accounts",
                    got.total_ms(),
                    "ms",
                    "",
                    {},
                    at_most(60'000),
                    std::to_string(got.bytes >> 20) + " MiB in " + std::to_string(got.pieces) +
                        " pieces, without a network: " + rounded(got.prepare_ms) +
                        " ms to offer them, " + rounded(got.pieces_ms) + " to hand them over, " +
                        rounded(got.last_ms) + " to check the root and store the state"});
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--no-peers") {
            options.peers = false;
            continue;
        }
        if (option == "--short") {
            options.seconds = 4;
            options.accounts = 100'000;
            options.peers = false;
            continue;
        }
        if (i + 1 == argc) return false;
        const std::string_view text = argv[++i];
        const auto number = [&](auto& to) {
            const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), to);
            return failure == std::errc() && end == text.data() + text.size() && to > 0;
        };
        if (option == "--seconds"    ? !number(options.seconds)
            : option == "--accounts" ? !number(options.accounts)
            : option == "--only"     ? (options.only = text).empty()
            : option == "--out"      ? (options.folder = text).empty()
                                     : true)
            return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::cerr << "usage: bench_ledger [--seconds N] [--accounts N] [--only NAME] [--no-peers] "
                     "[--short] [--out FOLDER]\n";
        return 2;
    }
    std::filesystem::create_directories(options.folder);
    const auto work = std::filesystem::absolute(options.folder) / "ledger-run";
    std::filesystem::remove_all(work);
    const Chain chain(kConnections, options.accounts);
    std::vector<Peer> peers;
    if (options.peers) peers = measure_peers(options, chain, work);
    std::vector<bench::Row> rows;
    for (const auto kind : {Kind::transfers, Kind::mix}) {
        const auto wanted = [&](const Run& run) {
            return run.kind == kind && options.wants(run.name);
        };
        if (std::none_of(std::begin(kRuns), std::end(kRuns), wanted)) continue;
        const auto sequences = signed_for(kind, options, chain);
        for (const auto& run : kRuns) {
            if (!wanted(run)) continue;
            std::cerr << "measuring " << run.what << '\n';
            report(run, measure(run, options, chain, sequences, work / run.name), peers, rows);
            std::filesystem::remove_all(work / run.name);
        }
    }
    if (options.wants("crowd")) report_crowd(options, chain, work / "crowd", rows);
    if (options.wants("sync")) report_sync(options, chain, work / "sync", rows);
    std::filesystem::remove_all(work);
    const bench::Title title{
        "Ledger",
        std::to_string(options.accounts) + " accounts, " + std::to_string(kConnections) +
            " connections of a client beside it on " +
            std::to_string(std::thread::hardware_concurrency()) + " cores, " +
            rounded(options.seconds) +
            " s each; signed EIP-1559 transactions, state root and fsync for every block"};
    std::cout << bench::table_text(title, rows);
    return bench::write_report(options.folder, "ledger", title, rows) ? 0 : 1;
}
